"""Takes payments over simulated channels with every fault on, while the server is killed again and again, and lets an
auditor decide who lost or doubled what.

    python3 bench/soak.py [--payments 200000] [--kill-every 4] [--workers 48] [--seed 1] [--program SUANPAN]

Each payment has an amount of its own, so that all of its movements can be told from all others without any id. Cards are
charged over two networks with routing between them, at once or set aside first and then captured or canceled; codes are
shown and scanned, or canceled, or given up for a card; codes of customers are scanned; some payments are refunded. The
networks and the wallet lose, garble, repeat and delay messages and hang up. The server is killed (SIGKILL) every few
seconds and started again on what it has written. When all are sent, nothing is killed any more, and everything must come
to its end within --bound seconds.

The auditor shares no code with the platform. It reads what the simulators hold true (their --truth), the journal of the
books (suanpan ledger journal --json) and the list of payments, and holds all three against one another, payment by
payment. Exits with 0 when nothing is lost, doubled or stuck.
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
        self.held = threading.Lock()
        (folder / "transport-key").write_text("00112233445566778899aabbccddeeff\n")
        (folder / "transport-key").chmod(0o600)
        file = ['[cards]', 'test = ["network_a", "network_b"]', '[wallets]', 'test = { alipay = "alipay_cn" }',
                '[[rule]]', 'name = "halves"', 'when = { kinds = ["card"] }', 'shares = { network_a = 1, network_b = 1 }']
        for name, acquirer in (("network_a", "48020000"), ("network_b", "48020002")):
            port = self.simulator(name, ["card-network", "--transport-key-file", "transport-key"])
            file.append(NETWORK.format(name=name, port=port, acquirer=acquirer))
        port = self.simulator("alipay_cn", ["alipay", "--customers", "800000", "--hesitation", "1500"])
        file.append(WALLET.format(port=port))
        (folder / "channels.toml").write_text("\n".join(file))
        self.start()

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
            self.start()

    def end(self):
        self.server.terminate()
        self.server.wait()
        for simulator in self.simulators.values():
            simulator.terminate()
            simulator.wait()

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


def pay(client, number, seed):
    """One payment from beginning to end; returns false when its answer is not known yet."""
    chance = random.Random(seed * 1_000_003 + number)
    amount, kind = FIRST_AMOUNT + number, chance.choices(["card", "manual", "shown", "scanned"], [50, 15, 15, 20])[0]
    code = chance.choices(["00", "51", "98", "05"], [80, 10, 5, 5])[0]
    fields = {"amount": amount, "currency": "cny", "confirm": "true"}
    for place, name in enumerate(("card", "alipay", "payment_code")):
        fields[f"payment_method_types[{place}]"] = name
    if kind in ("card", "manual"):
        fields.update(card(number, code))
        if kind == "manual":
            fields["capture_method"] = "manual"
    elif kind == "shown":
        fields["payment_method_data[type]"] = "alipay"
    else:
        fields["payment_method_data[type]"] = "payment_code"
        last = chance.choices(["00", "01", "02", "51"], [75, 10, 5, 10])[0]
        fields["payment_method_data[payment_code][code]"] = f"28{number:014}{last}"
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
        answer = client.call("POST", "/v1/refunds", {"payment_intent": intent["id"]}, f"{number}/refund")
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
        print(f"  {done[0]:,} of {given.payments:,} sent in {time.monotonic() - began:.0f} s, {world.kills} kills, "
              f"{len(unknown)} without an answer", flush=True)
    return unknown


def listed(client, path):
    """All objects of a list."""
    cursor = ""
    while True:
        _, page = client.call("GET", f"{path}?limit=100{cursor}")
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


def books(world):
    """What was booked on the accounts of channels: takes, refunds and open holds, by channel and amount."""
    takes, refunds, holds = collections.Counter(), collections.Counter(), {}
    start, page = 1, 20_000
    while True:
        records = 0
        for line in world.lines("ledger", "journal", "--json", "--from", str(start), "--limit", str(page)):
            records += 1
            for entry in json.loads(line)["entries"]:
                if entry["of"] is not None:
                    holds.pop(entry["of"], None)
                # What is released moves nothing.
                for posting in entry["lines"] if entry["action"] != "void" else []:
                    for side, counter in (("debit", takes), ("credit", refunds)):
                        found = re.fullmatch(r"test/channel/(\w+)/receivable", posting[side])
                        if not found:
                            continue
                        if entry["action"] == "hold":
                            holds[entry["id"]] = (found[1], minor(posting["held"]))
                        else:
                            counter[found[1], minor(posting["posted"])] += 1
        if records < page:
            return takes, refunds, collections.Counter(holds.values())
        start += page


def truths(world):
    """What the outside holds true, in the same shape; and what was taken and given back again."""
    takes, refunds, holds, undone = (collections.Counter() for _ in range(4))
    for name in world.simulators:
        for line in (world.folder / f"{name}.truth").read_text().splitlines():
            movement = json.loads(line)
            counter = {"take": takes, "refund": refunds, "hold": holds}[movement["operation"]]
            (counter if movement["standing"] else undone)[name, movement["amount_minor"]] += 1
    return takes, refunds, holds, undone


def audit(world, given, intents, refunds):
    """Holds the books, the outside and the payments against one another. Returns all faults in words."""
    faults = []
    booked, outside = books(world), truths(world)
    for what, ours, theirs in zip(("taken", "refunded", "set aside"), booked, outside):
        for (channel, amount), count in (theirs - ours).items():
            faults.append(f"lost: {channel} has {what} {amount} {count} times more than the books")
        for (channel, amount), count in (ours - theirs).items():
            faults.append(f"invented: the books have {what} {amount} {count} times more than {channel}")
    taken = collections.Counter()
    for (_, amount), count in outside[0].items():
        taken[amount] += count
    faults += [f"doubled: {amount} was taken {count} times" for amount, count in taken.items() if count > 1]
    by_amount = collections.Counter(intent["amount"] for intent in intents)
    for number in range(given.payments):
        if by_amount[FIRST_AMOUNT + number] != 1:
            faults.append(f"payment {number} is there {by_amount[FIRST_AMOUNT + number]} times")
    for intent in intents:
        if (intent["status"] == "succeeded") != (taken[intent["amount"]] == 1):
            faults.append(f"{intent['id']} is {intent['status']}, and was taken {taken[intent['amount']]} times")
    for refund in refunds:
        count = sum(outside[1][name, refund["amount"]] for name in world.simulators)
        if (refund["status"] == "succeeded") != (count == 1):
            faults.append(f"{refund['id']} is {refund['status']}, and was given back {count} times")
    verified = subprocess.run([given.program, "ledger", "verify"], cwd=world.folder, capture_output=True, text=True,
                              check=False)
    if verified.returncode:
        faults.append(f"suanpan ledger verify: {verified.stdout}{verified.stderr}")
    sums = [sum(counter.values()) for counter in outside]
    print(f"  outside: {sums[0]:,} taken, {sums[1]:,} refunded, {sums[2]:,} set aside, {sums[3]:,} undone; "
          f"books: {sum(booked[0].values()):,} taken, {sum(booked[1].values()):,} refunded", flush=True)
    states = collections.Counter(intent["status"] for intent in intents)
    print("  payments: " + ", ".join(f"{count:,} {status}" for status, count in states.most_common()), flush=True)
    if not given.dull and (sums[0] < given.payments // 3 or sums[3] == 0 or world.kills == 0):
        faults.append("too little went well or wrong to say anything")
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
    world, over, began = World(given, folder), threading.Event(), time.monotonic()
    killer = threading.Thread(target=world.kill_often, args=(over,))
    killer.start()
    try:
        unknown = load(world, given)
        sent = time.monotonic() - began
        over.set()
        killer.join()
        intents, refunds, settled = settle(world, given, unknown)
    finally:
        over.set()
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
