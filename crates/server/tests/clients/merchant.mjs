// A merchant with the official Node library of Stripe, pointed at a server of ours.
import { createRequire } from "node:module";

const require = createRequire(`${process.env.SUANPAN_NODE}/`);
const Stripe = require("stripe");
const url = new URL(process.env.SUANPAN_URL);
const options = { host: url.hostname, port: url.port, protocol: "http", maxNetworkRetries: 0 };
const stripe = new Stripe(process.env.SUANPAN_KEY, options);

function check(condition, what) {
  if (!condition) throw new Error(`FAILED: ${what}`);
  console.log(`ok: ${what}`);
}

async function fails(promise, what) {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error(`FAILED: ${what}`);
}

const customer = await stripe.customers.create({ name: "Wang", metadata: { level: "gold" } });
check(customer.id.startsWith("cus_"), "create a customer");
let intent = await stripe.paymentIntents.create({
  amount: 5000, currency: "cny", customer: customer.id, capture_method: "manual",
  automatic_payment_methods: { enabled: true, allow_redirects: "never" }, metadata: { order: "js-1" },
});
check(intent.status === "requires_payment_method", "create an intent");
intent = await stripe.paymentIntents.confirm(intent.id, { payment_method: "pm_card_visa" });
check(intent.status === "requires_capture", "confirm it");
intent = await stripe.paymentIntents.capture(intent.id, { amount_to_capture: 3000 });
check(intent.status === "succeeded" && intent.amount_received === 3000, "capture a part");
const refund = await stripe.refunds.create({ payment_intent: intent.id, amount: 1200 });
check(refund.amount === 1200, "refund a part");
intent = await stripe.paymentIntents.retrieve(intent.id, { expand: ["latest_charge.balance_transaction"] });
check(intent.latest_charge.balance_transaction.fee === 18, "expand two levels");

const made = [];
for (let n = 0; n < 5; n += 1) made.push((await stripe.customers.create({ name: `page ${n}` })).id);
const seen = [];
for await (const found of stripe.customers.list({ limit: 2 })) seen.push(found.id);
check(seen.slice(0, 5).join() === made.reverse().join(), "list over several pages");
const back = await stripe.customers.list({ limit: 2, ending_before: seen[3] });
check(back.data.map((one) => one.id).join() === seen.slice(1, 3).join(), "list backwards");

const order = { amount: 700, currency: "cny" };
const first = await stripe.paymentIntents.create(order, { idempotencyKey: "js-order-7" });
const again = await stripe.paymentIntents.create(order, { idempotencyKey: "js-order-7" });
check(first.id === again.id, "repeat a request under its key");
check(again.lastResponse.headers["idempotent-replayed"] === "true", "see that it was a repeat");

let error = await fails(stripe.paymentIntents.create({
  amount: 900, currency: "cny", confirm: true, payment_method: "pm_card_chargeDeclinedLostCard",
}), "a decline");
check(error instanceof Stripe.errors.StripeCardError && error.decline_code === "lost_card", "a decline says why");
error = await fails(stripe.paymentIntents.create({ currency: "cny" }), "a missing parameter");
check(error instanceof Stripe.errors.StripeInvalidRequestError && error.param === "amount", "a missing one is named");
error = await fails(stripe.refunds.create({ payment_intent: intent.id, amount: 99999 }), "too large a refund");
check(error.statusCode === 400 && error.requestId.startsWith("req_"), "too large a refund is refused");

const found = await stripe.paymentIntents.search({ query: "metadata['order']:'js-1'" });
check(found.data.length === 1 && found.data[0].id === intent.id, "search intents");
const events = await stripe.events.list({ types: ["refund.created", "charge.refunded"], limit: 5 });
check(events.data.length > 0, "find events by their types");

const { SUANPAN_PAYLOAD: payload, SUANPAN_SIGNATURE: signature, SUANPAN_SECRET: secret } = process.env;
const event = stripe.webhooks.constructEvent(payload, signature, secret);
check(event.object === "event", "verify a webhook");
error = await fails((async () => stripe.webhooks.constructEvent(`${payload} `, signature, secret))(), "a changed one");
check(error instanceof Stripe.errors.StripeSignatureVerificationError, "a webhook that was changed is refused");
check((await stripe.customers.del(customer.id)).deleted, "delete the customer");
