//! The examples with which each help begins. A test runs every one of them as written, in a folder
//! with `ledger.csv`, `channel.csv`, `rules.toml`, `books/`, `bills/`, `yesterday.parquet`,
//! `faults.toml` and `secret.txt`, and with a simulated server.

pub(super) const SUANPAN: &str = "\
Examples:
  suanpan demo
  suanpan reconcile init ledger.csv channel.csv -o first.toml
  suanpan reconcile ledger.csv channel.csv --rules rules.toml --out today
";

pub(super) const RECONCILE: &str = "\
Examples:
  suanpan reconcile ledger.csv channel.csv --rules rules.toml
  suanpan reconcile 'books/*.csv.gz' bills/ --rules rules.toml --out today --quiet
  suanpan reconcile ledger.csv channel.csv --rules rules.toml --explain A1003
  suanpan reconcile ledger.csv channel.csv --rules rules.toml --memory 64MiB --format json
  gzip -dc books/ledger.csv.gz | suanpan reconcile - channel.csv --rules rules.toml --fail-on amount
  suanpan reconcile ledger.csv stripe.csv --out stripe-day
";

pub(super) const INIT: &str = "\
Examples:
  suanpan reconcile init ledger.csv channel.csv -o first.toml
  suanpan reconcile init 'books/*.csv.gz' bills/ -o - --rows 1000
";

pub(super) const CHECK: &str = "\
Examples:
  suanpan reconcile check ledger.csv channel.csv --rules rules.toml
  suanpan reconcile check 'books/*.csv.gz' bills/ --rules rules.toml --rows 2
";

pub(super) const FORMATS: &str = "\
Examples:
  suanpan formats identify stripe.csv
  suanpan formats show stripe.csv --limit 10
  suanpan formats list
";

pub(super) const IDENTIFY: &str = "\
Examples:
  suanpan formats identify stripe.csv
  suanpan formats identify stripe.csv --json
";

pub(super) const SHOW: &str = "\
Examples:
  suanpan formats show stripe.csv
  suanpan formats show stripe.csv --format csv
  suanpan formats show stripe.csv --format json --limit 1
";

pub(super) const FORMATS_LIST: &str = "\
Examples:
  suanpan formats list
  suanpan formats list --json
";

pub(super) const FORMATS_TEST: &str = "\
Examples:
  suanpan formats test my-bank.toml
  suanpan formats show may.csv --layout my-bank.toml
";

pub(super) const GENERATE: &str = "\
Examples:
  suanpan generate day --records 10k day
  suanpan generate day --records 10k --format parquet day
";

pub(super) const DAY: &str = "\
Examples:
  suanpan generate day --records 10k --seed 7 day
  suanpan generate day --records 10k --faults faults.toml --keys zipf day
  suanpan reconcile day/ledger.csv day/channel.csv --rules day/rules.toml
";

pub(super) const SKETCH: &str = "\
Examples:
  suanpan sketch ledger.csv -r rules.toml --side left --secret-file secret.txt -o ours.sketch
  suanpan sketch channel.csv -r rules.toml --side right --secret-file secret.txt -o theirs.sketch
  suanpan sketch diff ours.sketch theirs.sketch
";

pub(super) const SKETCH_DIFF: &str = "\
Examples:
  suanpan sketch diff ours.sketch theirs.sketch
  suanpan sketch diff ours.sketch theirs.sketch --out d.csv
";

pub(super) const SKETCH_LOCATE: &str = "\
Examples:
  suanpan sketch locate d.csv ledger.csv -r rules.toml --side left --secret-file secret.txt
  suanpan sketch locate d.csv channel.csv -r rules.toml --side right --secret-file secret.txt
";

pub(super) const DEMO: &str = "\
Examples:
  suanpan demo
  suanpan demo --rows 100k --keep demo --once
";

pub(super) const COMPLETIONS: &str = "\
Examples:
  suanpan completions bash > suanpan.bash
  suanpan completions zsh > _suanpan
";

pub(super) const MAN: &str = "\
Examples:
  suanpan man > suanpan.1
  suanpan man --dir man
";

pub(super) const VERSION: &str = "\
Examples:
  suanpan version
  suanpan version --json
";

pub(super) const SERVE: &str = "\
Examples:
  suanpan serve
  suanpan serve --store shop.db --listen 127.0.0.1:4243 --log json
";

pub(super) const SIMULATE: &str = "\
Examples:
  suanpan simulate channel card-network
  suanpan simulate channel card-network --fault lost-after=20000
";

pub(super) const SIMULATE_CARD_NETWORK: &str = "\
Examples:
  suanpan simulate channel card-network --listen 127.0.0.1:9584
  suanpan simulate channel card-network --fault lost-after=20000 --fault latency=5000 --seed 7
";

pub(super) const SIMULATE_CARD: &str = "\
Examples:
  suanpan simulate card --listen 127.0.0.1:9594
  suanpan simulate card --card-file old.json --expires 2020-01 --taken-after 3
";

pub(super) const SIMULATE_ALIPAY: &str = "\
Examples:
  suanpan simulate channel alipay --listen 127.0.0.1:9589
  suanpan simulate channel alipay --customers 800000 --hesitation 500 --fault lost-after=20000
";

pub(super) const SIMULATE_WECHAT: &str = "\
Examples:
  suanpan simulate channel wechat --listen 127.0.0.1:9591
  suanpan simulate channel wechat --customers 800000 --refund-seconds 60 --fault twice=20000
";

pub(super) const SIMULATE_CLEARING: &str = "\
Examples:
  suanpan simulate channel clearing --listen 127.0.0.1:9593
  suanpan simulate channel clearing --sign rsa --fault lost-after=20000 --fault twice=20000
";

pub(super) const BACKUP: &str = "\
Examples:
  suanpan backup friday.db
  suanpan backup friday-again.db --store suanpan.db --json
";

pub(super) const RESTORE: &str = "\
Examples:
  suanpan restore thursday.db restored.db
  suanpan restore thursday.db restored-again.db --json
";

pub(super) const DOCTOR: &str = "\
Examples:
  suanpan doctor
  suanpan doctor --store suanpan.db --records 100 --json
";

pub(super) const STATUS: &str = "\
Examples:
  suanpan status
  suanpan status --store suanpan.db --json
";

pub(super) const KEYS: &str = "\
Examples:
  suanpan keys create --merchant acct_1 --name shop
  suanpan keys list --merchant acct_1
";

pub(super) const KEYS_CREATE: &str = "\
Examples:
  suanpan keys create --merchant acct_1
  suanpan keys create --merchant acct_1 --kind restricted --scope payments:read --name reports
";

pub(super) const KEYS_LIST: &str = "\
Examples:
  suanpan keys list --merchant acct_1
  suanpan keys list --merchant acct_1 --live --json
";

pub(super) const KEYS_REVOKE: &str = "\
Examples:
  suanpan keys revoke key_1
  suanpan keys revoke key_1 --store suanpan.db
";

pub(super) const LEDGER: &str = "\
Examples:
  suanpan ledger accounts
  suanpan ledger post entries.csv
  suanpan ledger verify
";

pub(super) const LEDGER_ACCOUNTS: &str = "\
Examples:
  suanpan ledger accounts
  suanpan ledger accounts customer/ --json
";

pub(super) const LEDGER_OPEN: &str = "\
Examples:
  suanpan ledger open bank/icbc --currency CNY --kind asset
  suanpan ledger open customer/carol customer/dan --currency CNY --kind liability --floor 0
";

pub(super) const LEDGER_BALANCE: &str = "\
Examples:
  suanpan ledger balance customer/alice
  suanpan ledger balance customer/alice --currency CNY --at 2026-08-01T12:00:00Z --json
";

pub(super) const LEDGER_POST: &str = "\
Examples:
  suanpan ledger post entries.csv
  suanpan ledger post entries.csv --batch 1000 --dry-run
  suanpan ledger post - < more.ndjson
";

pub(super) const LEDGER_IMPORT: &str = "\
Examples:
  suanpan ledger import old-books.csv
  suanpan ledger import old-books.csv --batch 500 --dry-run
";

pub(super) const LEDGER_TRIAL_BALANCE: &str = "\
Examples:
  suanpan ledger trial-balance
  suanpan ledger trial-balance --at 2026-08-01 --accounts --json
";

pub(super) const LEDGER_STATEMENT: &str = "\
Examples:
  suanpan ledger statement customer/alice
  suanpan ledger statement customer/alice --from 2026-08-01 --to 2026-09-01 --csv
";

pub(super) const LEDGER_JOURNAL: &str = "\
Examples:
  suanpan ledger journal
  suanpan ledger journal --from 2 --limit 1 --json
";

pub(super) const LEDGER_ARCHIVE: &str = "\
Examples:
  suanpan ledger archive books-archive
  suanpan ledger archive books-archive --check
";

pub(super) const LEDGER_VERIFY: &str = "\
Examples:
  suanpan ledger verify
  suanpan ledger verify --store suanpan.db --json
";

pub(super) const LEDGER_PROOF: &str = "\
Examples:
  suanpan ledger proof INV-1 --reference -o proof.json
  suanpan ledger proof verify proof.json --key suanpan.signing-key.pub
";

pub(super) const LEDGER_PROOF_VERIFY: &str = "\
Examples:
  suanpan ledger proof verify proof.json --key suanpan.signing-key.pub
  suanpan ledger proof verify proof.json --key suanpan.signing-key.pub --json
";

pub(super) const LEDGER_FREEZE: &str = "\
Examples:
  suanpan ledger freeze customer/alice
  suanpan ledger freeze customer/alice --currency CNY --debits
";

pub(super) const LEDGER_UNFREEZE: &str = "\
Examples:
  suanpan ledger unfreeze customer/alice
  suanpan ledger unfreeze customer/alice --currency CNY --credits
";

pub(super) const LEDGER_CLOSE: &str = "\
Examples:
  suanpan ledger close customer/empty
  suanpan ledger close customer/empty --currency CNY
";

pub(super) const LISTEN: &str = "\
Examples:
  suanpan listen --forward-to localhost:3000/webhook
  suanpan listen --forward-to localhost:3000/webhook --events payment_intent.succeeded,charge.*
  suanpan listen --json --count 1
";

pub(super) const TRIGGER: &str = "\
Examples:
  suanpan trigger payment_intent.succeeded
  suanpan trigger charge.refunded
";

pub(super) const EVENTS: &str = "\
Examples:
  suanpan events list --type payment_intent.succeeded
  suanpan events resend evt_1
";

pub(super) const EVENTS_LIST: &str = "\
Examples:
  suanpan events list
  suanpan events list --type charge.refunded --limit 5
  suanpan events list --from 2026-08-01 --to 2026-08-02 --json
";

pub(super) const EVENTS_SHOW: &str = "\
Examples:
  suanpan events show evt_1
  suanpan events show evt_1 > event.json
";

pub(super) const EVENTS_RESEND: &str = "\
Examples:
  suanpan events resend evt_1
  suanpan events resend evt_1 --endpoint we_1
  suanpan events resend --from 2026-08-01T12:00:00Z --to 2026-08-01T13:00:00Z --dry-run
";

pub(super) const ROUTING: &str = "\
Examples:
  suanpan routing channels
  suanpan routing explain pi_1
";

pub(super) const ROUTING_CHANNELS: &str = "\
Examples:
  suanpan routing channels
  suanpan routing channels --json
";

pub(super) const ROUTING_SIMULATE: &str = "\
Examples:
  suanpan routing simulate --amount 100.00 --brand unionpay
  suanpan routing simulate --amount 100.00 --type alipay --json
";

pub(super) const ROUTING_EXPLAIN: &str = "\
Examples:
  suanpan routing explain att_1
  suanpan routing explain pi_1 --json
";

pub(super) const TERMINAL: &str = "\
Examples:
  suanpan terminal pay --amount 12.34
  suanpan terminal finish
";

pub(super) const TERMINAL_PAY: &str = "\
Examples:
  suanpan terminal pay --amount 12.34
  suanpan terminal pay --amount 1500.00 --card tcp://127.0.0.1:9593 --pin-file pin.txt
";

pub(super) const TERMINAL_FINISH: &str = "\
Examples:
  suanpan terminal finish
  suanpan terminal finish --journal terminal-journal --wait 120
";
