"""A merchant with the official Python library of Stripe, pointed at a server of ours."""

import os
import sys

import stripe

stripe.api_key = os.environ["SUANPAN_KEY"]
stripe.api_base = os.environ["SUANPAN_URL"]
stripe.max_network_retries = 0


def check(condition, what):
    if not condition:
        sys.exit(f"FAILED: {what}")
    print(f"ok: {what}")


customer = stripe.Customer.create(name="Li", email="li@example.com", metadata={"level": "gold"})
check(customer.id.startswith("cus_") and customer.metadata["level"] == "gold", "create a customer")

intent = stripe.PaymentIntent.create(
    amount=5000, currency="cny", customer=customer.id, capture_method="manual",
    payment_method_types=["card"], metadata={"order": "py-1"},
)
check(intent.status == "requires_payment_method", "create an intent")
intent = stripe.PaymentIntent.confirm(intent.id, payment_method="pm_card_visa")
check(intent.status == "requires_capture" and intent.amount_capturable == 5000, "confirm it")
intent = stripe.PaymentIntent.capture(intent.id, amount_to_capture=3000)
check(intent.status == "succeeded" and intent.amount_received == 3000, "capture a part")
refund = stripe.Refund.create(payment_intent=intent.id, amount=1200)
check(refund.amount == 1200 and refund.object == "refund", "refund a part")
intent = stripe.PaymentIntent.retrieve(intent.id, expand=["latest_charge", "customer"])
check(intent.latest_charge.amount_refunded == 1200, "expand the charge")
check(intent.customer.name == "Li", "expand the customer")

made = [stripe.Customer.create(name=f"page {n}").id for n in range(5)]
seen = [found.id for found in stripe.Customer.list(limit=2).auto_paging_iter()]
check(seen[:5] == made[::-1] and len(seen) == len(set(seen)), "list over several pages")

first = stripe.PaymentIntent.create(amount=700, currency="cny", idempotency_key="py-order-7")
again = stripe.PaymentIntent.create(amount=700, currency="cny", idempotency_key="py-order-7")
check(first.id == again.id, "repeat a request under its key")
check(again.last_response.headers["Idempotent-Replayed"] == "true", "see that it was a repeat")
try:
    stripe.PaymentIntent.create(amount=800, currency="cny", idempotency_key="py-order-7")
    sys.exit("FAILED: another request under the same key")
except stripe.StripeError as error:
    check(error.http_status == 422 and error.error.type == "idempotency_error", "another request is refused")

try:
    stripe.PaymentIntent.create(
        amount=900, currency="cny", confirm=True, payment_method="pm_card_chargeDeclinedInsufficientFunds",
    )
    sys.exit("FAILED: a decline")
except stripe.CardError as error:
    check(error.error.decline_code == "insufficient_funds", "a decline says why")
    check(error.error.payment_intent["status"] == "requires_payment_method", "a decline carries the intent")

try:
    stripe.PaymentIntent.create(amount=900, currency="cny", no_such_thing=1)
    sys.exit("FAILED: an unknown parameter")
except stripe.InvalidRequestError as error:
    check(error.param == "no_such_thing" and error.code == "parameter_unknown", "an unknown parameter is named")
    check(error.request_id.startswith("req_"), "errors carry the id of the request")
try:
    stripe.Customer.retrieve("cus_nobody")
    sys.exit("FAILED: a missing customer")
except stripe.InvalidRequestError as error:
    check(error.http_status == 404 and error.code == "resource_missing", "what is missing is a 404")
try:
    stripe.Balance.retrieve(api_key="sk_test_0123456789abcdefghjkmnpqrstvwxyz")
    sys.exit("FAILED: a wrong key")
except stripe.AuthenticationError:
    check(True, "a wrong key is an authentication error")

found = stripe.PaymentIntent.search(query="metadata['order']:'py-1' AND status:'succeeded'")
check([one.id for one in found.data] == [intent.id], "search intents")
events = stripe.Event.list(type="payment_intent.succeeded", limit=10)
check(intent.id in [event.data.object["id"] for event in events.data], "find the event")
check(stripe.Balance.retrieve().pending[0].currency == "cny", "see the balance")
check(len(stripe.BalanceTransaction.list(limit=3).data) >= 2, "see its movements")

method = stripe.PaymentMethod.create(type="card", card={"token": "tok_visa"})
method = stripe.PaymentMethod.attach(method.id, customer=customer.id)
check(method.customer == customer.id, "attach a payment method")
check(stripe.Customer.list_payment_methods(customer.id).data[0].id == method.id, "list a customer's methods")
check(stripe.PaymentMethod.detach(method.id).customer is None, "detach it")
endpoint = stripe.WebhookEndpoint.create(url="https://example.com/hook", enabled_events=["*"])
check(endpoint.secret.startswith("whsec_"), "make a webhook endpoint")
check(stripe.WebhookEndpoint.delete(endpoint.id).deleted, "delete it")

payload, signature = os.environ["SUANPAN_PAYLOAD"], os.environ["SUANPAN_SIGNATURE"]
event = stripe.Webhook.construct_event(payload, signature, os.environ["SUANPAN_SECRET"])
check(event.object == "event", "verify a webhook")
try:
    stripe.Webhook.construct_event(payload.replace("event", "evert", 1), signature, os.environ["SUANPAN_SECRET"])
    sys.exit("FAILED: a webhook that was changed")
except stripe.SignatureVerificationError:
    check(True, "a webhook that was changed is refused")
check(stripe.Customer.delete(customer.id).deleted, "delete the customer")
