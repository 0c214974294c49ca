"""Takes payments over simulated channels with every fault on, while the server is killed again and again, and lets an
auditor decide who lost or doubled what.

    python3 bench/soak.py [--payments 200000] [--kill-every 4] [--workers 48] [--seed 1] [--program SUANPAN]

What a channel is asked for is an amount of its own for each payment, so that all of its movements can be told from all
others without any id. Cards are charged over two networks with routing between them, at once or set aside first and then
captured or canceled; codes of two wallets are shown and scanned, or canceled, or given up for a card; codes of customers
are scanned; a part of some payments comes out of a balance; some payments are refunded. The networks and the wallets lose,
garble, repeat and delay messages and hang up. The server is killed (SIGKILL) every few
seconds and started again on what it has written. When all are sent, nothing is killed any more, and everything must come
to its end within --bound seconds.

The auditor shares no code with the platform. It reads what the simulators hold true (their --truth), the journal of the
books (suanpan ledger journal --json) and the list of payments, and holds all three against one another, payment by
payment: takes, refunds and holds of each channel, what each customer's balance gave and got back, what the merchant has,
and one fee for each payment that was taken. Exits with 0 when nothing is lost, doubled or stuck.
"""

import argparse
import collections
import http.client
import json
import pathlib
import queue
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
import urllib.request

from ledger import free_port

ROOT = pathlib.Path(__file__).resolve().parent.parent
# Parts of a million, and microseconds on the average.
FAULTS = {"lost-before": 8_000, "lost-after": 8_000, "garbled": 4_000, "twice": 8_000, "late": 4_000, "hang-up": 1_000,
          "latency": 3_000}
# What an attempt may wait for an inquiry that was planned before a kill, and for the channel's own two minutes.
BOUND_SECONDS = 600
CUSTOMERS = 20
# Enough for any number of payments.
FUNDS = 900_000_000_000
FIRST_AMOUNT = 1_000
NETWORK = """
[[card_network]]
name = "{name}"
address = "127.0.0.1:{port}"
transport_key_file = "transport-key"
acquirer = "{acquirer}"
forwarder = "48020001"
network = "00010000"
merchant = "898310048120001"
terminal = "00000001"
category = "5411"
patience_seconds = 2
"""
WALLET = """
[[alipay]]
name = "alipay_cn"
gateway = "http://127.0.0.1:{port}"
app_id = "2021000000000001"
private_key_file = "alipay-keys/app-private-key.pem"
wallet_public_key_file = "alipay-keys/wallet-public-key.pem"
subject = "SOAK"
qr_seconds = 60
code_seconds = 60
patience_seconds = 2
"""
WECHAT = """
[[wechat]]
name = "wechat_cn"
gateway = "http://127.0.0.1:{port}"
app_id = "wx8888888888888888"
merchant = "1900000109"
serial = "5157F09EFDC096DE15EBE81A47057A7232F1B8E1"
private_key_file = "wechat-keys/merchant-private-key.pem"
wallet_public_key_files = {{ PUB_KEY_ID_0000000000000024112800000000000001 = "wechat-keys/wallet-public-key.pem" }}
api_key_file = "wechat-keys/api-v3-key"
description = "SOAK"
qr_seconds = 60
code_seconds = 60
patience_seconds = 2
"""


def luhn(digits):
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if place % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    return str(-total % 10)


def card(account, code):
    number = f"6225{account:09}{code}"
    return {"payment_method_data[type]": "card", "payment_method_data[card][number]": number + luhn(number),
            "payment_method_data[card][exp_month]": 12, "payment_method_data[card][exp_year]": 2034}


class World:
    """The simulators, the server, and who kills it."""

    def __init__(self, given, folder):
        self.given, self.folder, self.key, self.kills = given, folder, None, 0
        self.port, self.simulators, self.server = free_port(), {}, None
        self.trouble, self.customers = None, []

    def begin(self):
        (self.folder / "transport-key").write_text("00112233445566778899aabbccddeeff\n")
        (self.folder / "transport-key").chmod(0o600)
        file = ['[cards]', 'test = ["network_a", "network_b"]', '[wallets]',
                'test = { alipay = "alipay_cn", wechat_pay = "wechat_cn" }',
                '[[rule]]', 'name = "halves"', 'when = { kinds = ["card"] }', 'shares = { network_a = 1, network_b = 1 }']
        for name, acquirer in (("network_a", "48020000"), ("network_b", "48020002")):
            port = self.simulator(name, ["card-network", "--transport-key-file", "transport-key"])
            file.append(NETWORK.format(name=name, port=port, acquirer=acquirer))
        come = ["--customers", "800000", "--hesitation", "1500"]
        file.append(WALLET.format(port=self.simulator("alipay_cn", ["alipay", *come])))
        file.append(WECHAT.format(port=self.simulator("wechat_cn", ["wechat", *come])))
        (self.folder / "channels.toml").write_text("\n".join(file))
        self.start()
        client = Client(self)
        for number in range(CUSTOMERS):
            customer = client.must("POST", "/v1/customers", {}, f"customer {number}")["id"]
            fund = f"/v1/test_helpers/customers/{customer}/fund_cash_balance"
            client.must("POST", fund, {"amount": FUNDS, "currency": "cny"}, f"fund {number}")
            self.customers.append(customer)

    def simulator(self, name, arguments):
        port = free_port()
        faults = [f"--fault={fault}={parts}" for fault, parts in FAULTS.items()]
        command = [self.given.program, "simulate", "channel", *arguments, "--listen", f"127.0.0.1:{port}",
                   "--truth", f"{name}.truth", "--seed", str(self.given.seed), *faults]
        out = open(self.folder / f"{name}.out", "w", encoding="utf-8")
        self.simulators[name] = subprocess.Popen(command, cwd=self.folder, stdout=out, stderr=out)
        wait(lambda: " on " in (self.folder / f"{name}.out").read_text(), f"{name} listens")
        return port

    def start(self):
        command = [self.given.program, "serve", "--listen", f"127.0.0.1:{self.port}", "--channels", "channels.toml",
                   "--public-url", f"http://127.0.0.1:{self.port}", "--log-filter", "error", "--lease", "1s"]
        out = open(self.folder / "server.out", "a", encoding="utf-8")
        self.server = subprocess.Popen(command, cwd=self.folder, stdout=out, stderr=out)
        wait(self.ready, "the server is ready", lambda: self.server.poll() is None)
        found = re.search(r"sk_test_\w+", (self.folder / "server.out").read_text())
        self.key = found[0] if found else self.key

    def ready(self):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/readyz", timeout=1) as answer:
                return answer.status == 200
        except OSError:
            return False

    def kill_often(self, over):
        chance = random.Random(self.given.seed)
        while not over.wait(self.given.kill_every * (0.5 + chance.random())):
            self.server.send_signal(signal.SIGKILL)
            self.server.wait()
            self.kills += 1
            try:
                self.start()
            except (SystemExit, OSError) as error:
                self.trouble = f"the server does not come back: {error}"
                return

    def end(self):
        for process in filter(None, [self.server, *self.simulators.values()]):
            process.terminate()
            process.wait()

    def lines(self, *arguments):
        """Lines of a command on the store."""
        with subprocess.Popen([self.given.program, *arguments], cwd=self.folder, stdout=subprocess.PIPE,
                              text=True) as command:
            yield from command.stdout
        if command.returncode:
            sys.exit(f"{' '.join(arguments)} ended with {command.returncode}")


def wait(so, what, alive=lambda: True, seconds=60):
    until = time.monotonic() + seconds
    while not so():
        if time.monotonic() > until or not alive():
            sys.exit(f"not in time: {what}")
        time.sleep(0.01)


class Client:
    """Calls the API until there is an answer, always under the same key of idempotency."""

    def __init__(self, world):
        self.world, self.connection = world, None

    def call(self, method, path, fields=(), key=None, patience=60):
        body = urllib.parse.urlencode(fields)
        headers = {"authorization": f"Bearer {self.world.key}", "content-type": "application/x-www-form-urlencoded"}
        if key:
            headers["idempotency-key"] = key
        until = time.monotonic() + patience
        while time.monotonic() < until:
            try:
                if self.connection is None:
                    self.connection = http.client.HTTPConnection("127.0.0.1", self.world.port, timeout=40)
                self.connection.request(method, path, body, headers)
                answer = self.connection.getresponse()
                value = json.loads(answer.read())
            except (OSError, http.client.HTTPException, json.JSONDecodeError):
                self.connection = None
                time.sleep(0.05)
                continue
            if answer.status in (429, 500, 502, 503, 504):
                time.sleep(0.05)
                continue
            # Whoever asked before was killed, and what became of it is being found out.
            if answer.status == 409 and value.get("code") in ("idempotency_key_in_use", "lock_timeout"):
                return None
            return answer.status, value
        return None

    def must(self, *asked):
        """A call that has to be answered well."""
        answer = self.call(*asked)
        if answer is None or answer[0] != 200:
            sys.exit(f"{asked[:2]}: {answer}")
        return answer[1]


def pay(client, number, seed):
    """One payment from beginning to end; returns false when its answer is not known yet."""
    chance = random.Random(seed * 1_000_003 + number)
    asked, kind = FIRST_AMOUNT + number, chance.choices(["card", "manual", "shown", "scanned"], [50, 15, 15, 20])[0]
    code, wallet = chance.choices(["00", "51", "98", "05"], [80, 10, 5, 5])[0], chance.choice(["alipay", "wechat_pay"])
    part = chance.choice([0, 0, 0, 1 + chance.randrange(5_000)])
    fields = {"amount": asked + part, "currency": "cny", "confirm": "true"}
    if part:
        fields["customer"] = client.world.customers[number % CUSTOMERS]
        fields["payment_sources[0][type]"], fields["payment_sources[0][amount]"] = "balance", part
    for place, name in enumerate(("card", "alipay", "wechat_pay", "payment_code")):
        fields[f"payment_method_types[{place}]"] = name
    if kind in ("card", "manual"):
        fields.update(card(number, code))
        if kind == "manual":
            fields["capture_method"] = "manual"
    elif kind == "shown":
        fields["payment_method_data[type]"] = wallet
    else:
        fields["payment_method_data[type]"] = "payment_code"
        last = chance.choices(["00", "01", "02", "51"], [75, 10, 5, 10])[0]
        fields["payment_method_data[payment_code][code]"] = f"{28 if wallet == 'alipay' else 13}{number:014}{last}"
    answer = client.call("POST", "/v1/payment_intents", fields, f"{number}")
    if answer is None:
        return False
    status, intent = answer
    if status != 200:
        return True
    path = f"/v1/payment_intents/{intent['id']}"
    if intent["status"] == "requires_capture":
        step = "/capture" if chance.random() < 0.7 else "/cancel"
        answer = client.call("POST", path + step, {}, f"{number}{step}")
    elif intent["status"] == "requires_action" and chance.random() < 0.3:
        if chance.random() < 0.5:
            answer = client.call("POST", path + "/cancel", {}, f"{number}/cancel")
        else:
            answer = client.call("POST", path + "/confirm", card(number, "00"), f"{number}/confirm")
    if answer is not None and answer[0] == 200 and answer[1]["status"] == "succeeded" and chance.random() < 0.15:
        refund = {"payment_intent": intent["id"]}
        if part and chance.random() < 0.5:
            refund["allocation"] = "proportional"
        answer = client.call("POST", "/v1/refunds", refund, f"{number}/refund")
    return answer is not None


def load(world, given):
    """Makes all payments. Returns those whose answer was not known then."""
    numbers, unknown, done = queue.SimpleQueue(), [], [0]
    for number in range(given.payments):
        numbers.put(number)

    def work():
        client = Client(world)
        while True:
            try:
                number = numbers.get_nowait()
            except queue.Empty:
                return
            if not pay(client, number, given.seed):
                unknown.append(number)
            done[0] += 1

    threads = [threading.Thread(target=work, daemon=True) for _ in range(given.workers)]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        time.sleep(5)
        if world.trouble:
            sys.exit(world.trouble)
        print(f"  {done[0]:,} of {given.payments:,} sent in {time.monotonic() - began:.0f} s, {world.kills} kills, "
              f"{len(unknown)} without an answer", flush=True)
    return unknown


def listed(client, path):
    """All objects of a list."""
    cursor = ""
    while True:
        page = client.must("GET", f"{path}?limit=100{cursor}")
        yield from page["data"]
        if not page["has_more"]:
            return
        cursor = f"&starting_after={page['data'][-1]['id']}"


OVER = {"succeeded", "requires_payment_method", "canceled", "requires_capture"}


def settle(world, given, unknown):
    """Waits until nothing is under way; asks again for what had no answer, which makes no payment twice."""
    client, began, left = Client(world), time.monotonic(), list(unknown)
    while True:
        left = [number for number in left if not pay(client, number, given.seed)]
        intents = list(listed(client, "/v1/payment_intents"))
        refunds = list(listed(client, "/v1/refunds"))
        open_intents = sum(intent["status"] not in OVER for intent in intents)
        open_refunds = sum(refund["status"] == "pending" for refund in refunds)
        seconds = time.monotonic() - began
        print(f"  {seconds:.0f} s after the last kill: {open_intents} payments and {open_refunds} refunds under way, "
              f"{len(left)} calls without an answer", flush=True)
        if not (open_intents or open_refunds or left):
            # What was superseded or expired is called off for good after the time of its code.
            settled = time.monotonic() - began
            time.sleep(given.grace)
            return intents, refunds, settled
        if seconds > given.bound:
            sys.exit(f"stuck: {[intent for intent in intents if intent['status'] not in OVER][:3]}")
        time.sleep(5)


def minor(text):
    whole, _, cents = text.partition(".")
    return int(whole) * 100 + int(cents.ljust(2, "0"))


class Books:
    """What was booked: takes, refunds and open holds of channels by channel and amount; what customers gave and got; and what
    else the accounts say."""

    def __init__(self, world):
        self.takes, self.refunds, self.gave, self.got, self.owned = (collections.Counter() for _ in range(5))
        self.fees, self.left_held = collections.Counter(), collections.Counter()
        self.holds = {}
        start, page = 1, 20_000
        while True:
            records = 0
            for line in world.lines("ledger", "journal", "--json", "--from", str(start), "--limit", str(page)):
                records += 1
                for entry in json.loads(line)["entries"]:
                    self.take_in(entry)
            if records < page:
                break
            start += page
        for channel_or_customer, amount in self.holds.values():
            self.left_held[channel_or_customer, amount] += 1

    def take_in(self, entry):
        if entry["of"] is not None:
            self.holds.pop(entry["of"], None)
        # What is released moves nothing.
        for posting in entry["lines"] if entry["action"] != "void" else []:
            debit, credit = posting["debit"], posting["credit"]
            if entry["action"] == "hold":
                source = channel_of(debit) or channel_of(credit) or customer_of(debit) or customer_of(credit)
                self.holds[entry["id"]] = (source, minor(posting["held"]))
                continue
            amount = minor(posting["posted"])
            self.owned[debit] -= amount
            self.owned[credit] += amount
            if channel_of(debit):
                self.takes[channel_of(debit), amount] += 1
            if channel_of(credit):
                self.refunds[channel_of(credit), amount] += 1
            if customer_of(debit):
                self.gave[customer_of(debit)] += amount
            if customer_of(credit) and "safeguarding" not in debit:
                self.got[customer_of(credit)] += amount
            if credit == "test/platform/fees":
                self.fees[amount] += 1


def channel_of(path):
    found = re.fullmatch(r"test/channel/(\w+)/receivable", path)
    return found and found[1]


def customer_of(path):
    found = re.fullmatch(r"test/customer/(\w+)/balance", path)
    return found and found[1]


def truths(world):
    """What the outside holds true, in the same shape; and what was taken and given back again."""
    takes, refunds, holds, undone = (collections.Counter() for _ in range(4))
    for name in world.simulators:
        for line in (world.folder / f"{name}.truth").read_text().splitlines():
            movement = json.loads(line)
            counter = {"take": takes, "refund": refunds, "hold": holds}[movement["operation"]]
            (counter if movement["standing"] else undone)[name, movement["amount_minor"]] += 1
    return takes, refunds, holds, undone


def asked_of(intent):
    """What of a payment its method pays."""
    return intent["payment_sources"][-1]["amount"] if intent.get("payment_sources") else intent["amount"]


def called_off(booked, outside):
    """What was paid to a code that had been called off and given back whole, as a refund of its own: it is none of the
    books' business. Takes both off what the outside holds, where the books have neither, and returns how many there were."""
    takes, refunds = outside[:2]
    count = 0
    for key in list(takes):
        pairs = min(takes[key] - booked.takes[key], refunds[key] - booked.refunds[key])
        if pairs > 0:
            takes[key] -= pairs
            refunds[key] -= pairs
            count += pairs
    return count


def audit(world, given, intents, refunds):
    """Holds the books, the outside and the payments against one another. Returns all faults in words."""
    faults = []
    booked, outside = Books(world), truths(world)
    went_back = called_off(booked, outside)
    channel_holds = collections.Counter({key: count for key, count in booked.left_held.items() if key[0] in world.simulators})
    for what, ours, theirs in zip(("taken", "refunded", "set aside"), (booked.takes, booked.refunds, channel_holds), outside):
        for (channel, amount), count in (theirs - ours).items():
            faults.append(f"lost: {channel} has {what} {amount} {count} times more than the books")
        for (channel, amount), count in (ours - theirs).items():
            faults.append(f"invented: the books have {what} {amount} {count} times more than {channel}")
    taken, held = collections.Counter(), collections.Counter()
    for counter, into in ((outside[0], taken), (outside[2], held)):
        for (_, amount), count in counter.items():
            into[amount] += count
    faults += [f"doubled: {amount} was taken {count} times" for amount, count in taken.items() if count > 1]
    by_amount = collections.Counter(asked_of(intent) for intent in intents)
    for number in range(given.payments):
        if by_amount[FIRST_AMOUNT + number] != 1:
            faults.append(f"payment {number} is there {by_amount[FIRST_AMOUNT + number]} times")
    fees, net, gives, keeps = collections.Counter(), 0, collections.Counter(), collections.Counter()
    for intent in intents:
        amount, status = asked_of(intent), intent["status"]
        if status not in OVER:
            faults.append(f"{intent['id']} is {status} at the end")
        if (status == "succeeded") != (taken[amount] == 1):
            faults.append(f"{intent['id']} is {status}, and was taken {taken[amount]} times")
        if (status == "requires_capture") != (held[amount] == 1):
            faults.append(f"{intent['id']} is {status}, and is set aside {held[amount]} times")
        if status == "succeeded":
            # 0.60 %, halves away from zero.
            fee = (intent["amount"] * 60 + 5_000) // 10_000
            fees[fee] += 1
            net += intent["amount"] - fee
        if status in ("succeeded", "requires_capture") and intent["amount"] > amount:
            (gives if status == "succeeded" else keeps)[intent["customer"]] += intent["amount"] - amount
    fees.pop(0, None)
    back = collections.Counter()
    for refund in refunds:
        parts = (refund.get("allocation") or {}).get("sources", [])
        of_channel = [part["amount"] for part in parts if part["type"] == "payment_method"] or ([] if parts else [refund["amount"]])
        if parts and sum(part["amount"] for part in parts) != refund["amount"]:
            faults.append(f"{refund['id']} is not the sum of its parts")
        for amount in of_channel:
            count = sum(outside[1][name, amount] for name in world.simulators)
            if (refund["status"] == "succeeded") != (count == 1):
                faults.append(f"{refund['id']} is {refund['status']}, and was given back {count} times")
        if refund["status"] == "succeeded":
            net -= refund["amount"]
            for part in parts:
                back[part["source"].removeprefix("balance/")] += part["amount"] if part["type"] == "balance" else 0
    for what, ours, theirs in (("one fee for each payment", booked.fees, fees), ("what customers gave", booked.gave, gives),
                               ("what customers got back", booked.got, back)):
        for key in (ours - theirs) | (theirs - ours):
            faults.append(f"{what}: {key}: {ours[key]} in the books, {theirs[key]} by the payments")
    held_of = collections.Counter()
    for (source, amount), count in booked.left_held.items():
        if source not in world.simulators:
            held_of[source] += amount * count
    if held_of != keeps:
        faults.append(f"set aside of balances: {held_of} in the books, {keeps} by the payments")
    merchant = sum(amount for path, amount in booked.owned.items() if path.startswith("test/merchant/"))
    if merchant != net:
        faults.append(f"the merchant has {merchant} in the books, and {net} by the payments")
    verified = subprocess.run([given.program, "ledger", "verify"], cwd=world.folder, capture_output=True, text=True,
                              check=False)
    if verified.returncode:
        faults.append(f"suanpan ledger verify: {verified.stdout}{verified.stderr}")
    sums = [sum(counter.values()) for counter in outside]
    print(f"  outside: {sums[0]:,} taken, {sums[1]:,} refunded, {sums[2]:,} set aside, {sums[3]:,} released or called off, "
          f"{went_back:,} given back because they came late; books: {sum(booked.takes.values()):,} taken, {sum(booked.refunds.values()):,} refunded", flush=True)
    states = collections.Counter(intent["status"] for intent in intents)
    print("  payments: " + ", ".join(f"{count:,} {status}" for status, count in states.most_common()), flush=True)
    combined = [intent for intent in intents if intent["status"] == "succeeded" and intent["amount"] > asked_of(intent)]
    print(f"  of several sources: {len(combined):,} taken, {sum(gives.values()):,} minor units out of balances, "
          f"{sum(back.values()):,} back to them", flush=True)
    silent = [name for name in world.simulators if not any(channel == name for channel, _ in outside[0])]
    if not given.dull and (sums[0] < given.payments // 3 or sums[3] == 0 or world.kills == 0 or silent or not combined):
        faults.append(f"too little went well or wrong to say anything; nothing was taken over {silent}")
    return faults


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--payments", type=int, default=200_000)
    arguments.add_argument("--kill-every", type=float, default=4, help="seconds, on the average")
    arguments.add_argument("--workers", type=int, default=48)
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--bound", type=int, default=BOUND_SECONDS, help="seconds for everything to come to its end")
    arguments.add_argument("--grace", type=int, default=70, help="seconds after that, for codes that were given up")
    arguments.add_argument("--program", default=str(ROOT / "target" / "release" / "suanpan"))
    arguments.add_argument("--keep", type=pathlib.Path, help="a folder for all files, which are then kept")
    arguments.add_argument("--dull", action="store_true", help="take also a run in which nothing went wrong")
    given = arguments.parse_args()
    given.program = str(pathlib.Path(given.program).resolve())
    folder = given.keep or pathlib.Path(tempfile.mkdtemp(prefix="suanpan-soak-"))
    folder.mkdir(parents=True, exist_ok=True)
    world, over = World(given, folder), threading.Event()
    killer = threading.Thread(target=world.kill_often, args=(over,))
    try:
        world.begin()
        began = time.monotonic()
        killer.start()
        unknown = load(world, given)
        sent = time.monotonic() - began
        over.set()
        killer.join()
        intents, refunds, settled = settle(world, given, unknown)
    finally:
        over.set()
        if killer.ident:
            killer.join()
        world.end()
    faults = audit(world, given, intents, refunds)
    print(f"{given.payments:,} payments in {sent:.0f} s with {world.kills} kills, all at their end {settled:.0f} s after the "
          f"last one: {len(faults)} faults", flush=True)
    for fault in faults[:20]:
        print(f"  {fault}")
    if faults:
        sys.exit(f"see {folder}")
    if not given.keep:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
