//! `suanpan simulate channel clearing`: a clearing network and the banks behind it.

use super::{Movement, put_keys, say_wallet, truth_of, until_signal, wallet_movements, write_truth};
use crate::cli::SimulateClearingArgs;
use crate::commands::serve::{Signals, listen};
use crate::error::{Trouble, status};
use crate::store::damaged;
use crate::terminal::Terminal;
use std::sync::Arc;
use std::time::Duration;
use suanpan_engine::Clock;
use suanpan_messages::clearing::key::{PrivateKey, PublicKey, Signer, Verifiers};
use suanpan_simulators::clearing::{Host, HostSettings, keys, serve};
use suanpan_simulators::wallet::Settings;

pub(super) async fn clearing_network(args: &SimulateClearingArgs, terminal: Terminal) -> Result<u8, Trouble> {
    let signals = Signals::install()?;
    let (serial, own) = match args.sign.as_str() {
        "rsa" => (keys::NETWORK_RSA_SERIAL, keys::NETWORK_RSA_PRIVATE),
        _ => (keys::NETWORK_SM2_SERIAL, keys::NETWORK_SM2_PRIVATE),
    };
    let own = PrivateKey::parse(own).map_err(|error| damaged("this program", error))?;
    let theirs = [
        (keys::INSTITUTION_SM2_SERIAL, keys::INSTITUTION_SM2_PUBLIC),
        (keys::INSTITUTION_RSA_SERIAL, keys::INSTITUTION_RSA_PUBLIC),
    ];
    let theirs = theirs
        .into_iter()
        .map(|(serial, text)| Ok((serial.to_owned(), PublicKey::parse(text)?)))
        .collect::<Result<_, suanpan_messages::signing::key_text::KeyTextError>>()
        .map_err(|error| damaged("this program", error))?;
    let (listener, address) = listen(&args.listen).await?;
    put_keys(
        &args.keys,
        &[
            ("institution-sm2-private.pem", keys::INSTITUTION_SM2_PRIVATE),
            ("institution-rsa-private.pem", keys::INSTITUTION_RSA_PRIVATE),
            ("network-sm2-public.pem", keys::NETWORK_SM2_PUBLIC),
            ("network-rsa-public.pem", keys::NETWORK_RSA_PUBLIC),
        ],
    )?;
    let host = Arc::new(Host::new(HostSettings {
        institution: args.institution.clone(),
        network: args.network.clone(),
        institution_keys: Verifiers(theirs),
        own: Signer { serial: serial.to_owned(), key: own },
        debit_minor_max: args.debit_max,
        day_minor_max: args.day_max,
        wallet: Settings {
            faults: args.faults.faults(),
            customers: None,
            hesitation: Duration::from_millis(args.hesitation),
            now: Arc::new(|| Clock::system().now().seconds()),
        },
    }));
    let who = format!("institution {}", args.institution);
    say_wallet("clearing network", &address, &who, &args.keys, terminal)?;
    until_signal(serve(listener, host.clone()), signals).await?;
    write_truth(&args.truth, movements(&host))?;
    let paid_out: u64 =
        host.payouts().values().filter(|it| it.paid == Some(true)).map(|it| it.amount_minor).sum();
    let mut truth = truth_of(host.audit());
    truth["paid_out_minor"] = paid_out.into();
    terminal.result(&format!("{truth}\n")).map(|()| status::FINE)
}

fn movements(host: &Host) -> Vec<Movement> {
    let payouts = host.payouts().into_iter().filter(|(_, payout)| payout.paid == Some(true));
    let payout = |(name, payout): (String, suanpan_simulators::clearing::Payout)| Movement {
        operation: "payout",
        name,
        amount_minor: payout.amount_minor,
        standing: true,
    };
    wallet_movements(host.trades()).into_iter().chain(payouts.map(payout)).collect()
}
