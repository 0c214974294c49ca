//! The bodies: each a record whose members stand at their paths.

use super::envelope::words;
use super::fields::Fields;
use super::value::{BatchId, ChinaTime, Money, Secret, Value, ValueError};

/// Declares a body.
macro_rules! record {
    ($(#[$doc:meta])* $name:ident { $($(#[$member_doc:meta])* $member:ident: $type:ty = $path:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub struct $name {
            $($(#[$member_doc])* pub $member: $type,)+
        }

        impl $name {
            /// Writes it; members that are none are left out.
            #[must_use]
            pub fn fields(&self) -> Fields {
                let mut fields = Fields::default();
                $(if let Some(text) = self.$member.text() { fields.push($path, text); })+
                fields
            }

            /// Reads it; what it does not have is passed over.
            ///
            /// # Errors
            /// [`ValueError`] names the first element that is missing or wrong.
            pub fn read(fields: &Fields) -> Result<$name, ValueError> {
                Ok($name {
                    $($member: Value::parse(fields.get($path)).map_err(|what| ValueError { path: $path, what })?,)+
                })
            }
        }
    };
}

words! {
    /// What a transaction is.
    Category {
        /// A sign-up is asked for: the bank sends a code to the holder (traces).
        AskSignUp = "0201",
        /// A sign-up is signed with that code, under the same `TrxId` (traces).
        SignUp = "0202",
        /// A payment by agreement (traces).
        Debit = "0110",
        /// A payout (ours).
        Payout = "0111",
        /// A refund (ours).
        Refund = "0112",
    }
}

words! {
    /// Where a transaction stands (ours).
    Status {
        /// It was taken, and is not over. Of a sign-up: the code was sent.
        Accepted = "00",
        /// It is done.
        Succeeded = "01",
        /// It was not done, and will not be.
        Failed = "02",
    }
}

record! {
    /// Asks for an agreement about an account, or signs it.
    SignUp {
        /// The bank of the account.
        bank: String = "SgnInf/SgnAcctIssrId",
        /// `00`: an account that money is taken from.
        account_type: String = "SgnInf/SgnAcctTp",
        /// The number of the account.
        account: Secret = "SgnInf/SgnAcctId",
        /// Whose it is.
        holder: Secret = "SgnInf/SgnAcctNm",
        /// `01`: an identity card.
        id_type: String = "SgnInf/IDTp",
        /// Its number.
        id_number: Secret = "SgnInf/IDNo",
        /// The telephone to which the bank sends its code.
        phone: Secret = "SgnInf/MobNo",
        /// The payment company.
        institution: String = "InstgInf/InstgId",
        /// Which of both steps.
        category: Category = "TrxInf/TrxCtgy",
        /// The same for both steps.
        trade: String = "TrxInf/TrxId",
        /// When.
        at: ChinaTime = "TrxInf/TrxDtTm",
        /// The code, in the second step.
        code: Option<Secret> = "TrxInf/AuthMsg",
    }
}

record! {
    /// Takes money by an agreement.
    Debit {
        /// The bank of the payer.
        bank: String = "PyerInf/PyerAcctIssrId",
        /// `00`: an account that money is taken from.
        payer_type: String = "PyerInf/PyerAcctTp",
        /// The agreement.
        sign_no: String = "PyerInf/SgnNo",
        /// `1` in all traces.
        flag: String = "RPFlg",
        /// The payment company.
        payee_institution: String = "PyeeInf/PyeeAcctIssrId",
        /// The account of the payee with it.
        payee: String = "PyeeInf/PyeeAcctId",
        /// The name of the payee.
        payee_name: String = "PyeeInf/PyeeNm",
        /// `03`: an account of a payment company.
        payee_type: String = "PyeeInf/PyeeAcctTp",
        /// The reserve account of the payment company.
        reserve: String = "ResfdInf/InstgAcctId",
        /// Its name.
        reserve_name: String = "ResfdInf/InstgAcctNm",
        /// Its bank.
        reserve_bank: String = "ResfdInf/ResfdAcctIssrId",
        /// Names it for ever.
        trade: String = "TrxInf/TrxId",
        /// When.
        at: ChinaTime = "TrxInf/TrxDtTm",
        /// How much.
        amount: Money = "TrxInf/TrxAmt",
        /// What it is.
        category: Category = "TrxInf/TrxCtgy",
        /// Which business: `100001` in the traces.
        business: String = "TrxInf/BizTp",
        /// Where it is told of (in traces of sign-ups only).
        callback: Option<String> = "TrxInf/ClbckUrl",
        /// The order.
        order: String = "OrdrInf/OrdrId",
        /// The batch of clearing.
        batch: BatchId = "BatchId",
    }
}

record! {
    /// Pays money to an account.
    Payout {
        /// The payment company.
        payer_institution: String = "PyerInf/PyerAcctIssrId",
        /// Its account.
        payer: String = "PyerInf/PyerAcctId",
        /// The bank of the payee.
        bank: String = "PyeeInf/PyeeAcctIssrId",
        /// The account.
        account: Secret = "PyeeInf/PyeeAcctId",
        /// Whose it is.
        holder: Secret = "PyeeInf/PyeeNm",
        /// `00`: an account at a bank.
        payee_type: String = "PyeeInf/PyeeAcctTp",
        /// The reserve account of the payment company.
        reserve: String = "ResfdInf/InstgAcctId",
        /// Its name.
        reserve_name: String = "ResfdInf/InstgAcctNm",
        /// Its bank.
        reserve_bank: String = "ResfdInf/ResfdAcctIssrId",
        /// Names it for ever.
        trade: String = "TrxInf/TrxId",
        /// When.
        at: ChinaTime = "TrxInf/TrxDtTm",
        /// How much.
        amount: Money = "TrxInf/TrxAmt",
        /// What it is.
        category: Category = "TrxInf/TrxCtgy",
        /// The batch of clearing.
        batch: BatchId = "BatchId",
    }
}

record! {
    /// Gives back a part of a debit, or all of it.
    Refund {
        /// Names it for ever.
        trade: String = "TrxInf/TrxId",
        /// When.
        at: ChinaTime = "TrxInf/TrxDtTm",
        /// How much.
        amount: Money = "TrxInf/TrxAmt",
        /// What it is.
        category: Category = "TrxInf/TrxCtgy",
        /// The debit.
        original: String = "OriTrxInf/OriTrxId",
        /// The batch of clearing.
        batch: BatchId = "BatchId",
    }
}

record! {
    /// Asks what became of something.
    Inquiry {
        /// When it is asked.
        at: ChinaTime = "TrxInf/TrxDtTm",
        /// What it is about.
        original: String = "OriTrxInf/OriTrxId",
        /// What that is.
        category: Category = "OriTrxInf/OriTrxCtgy",
    }
}

record! {
    /// What became of something: an answer, or a notification.
    Outcome {
        /// Whether the network could do something with the message: [`super::FINE`], or a code.
        system: String = "SysRtnInf/SysRtnCd",
        /// The same in words.
        system_text: Option<String> = "SysRtnInf/SysRtnDesc",
        /// When.
        system_at: ChinaTime = "SysRtnInf/SysRtnTm",
        /// What the business says: [`super::FINE`], or why not.
        business: Option<String> = "BizInf/BizStsCd",
        /// The same in words.
        business_text: Option<String> = "BizInf/BizStsDesc",
        /// Where it stands; none where nothing is known of it.
        status: Option<Status> = "BizInf/TrxSts",
        /// The agreement, of a sign-up that is done.
        sign_no: Option<String> = "BizInf/SgnNo",
        /// What the network calls it.
        number: Option<String> = "BizInf/PltfrmTrxNo",
        /// The payment company that it is for.
        institution: String = "OriTrxInf/InstgId",
        /// What it is.
        category: Option<Category> = "OriTrxInf/TrxCtgy",
        /// What this is about.
        trade: Option<String> = "OriTrxInf/TrxId",
        /// How much.
        amount: Option<Money> = "OriTrxInf/TrxAmt",
        /// The batch in which it is cleared.
        batch: Option<BatchId> = "OriTrxInf/BatchId",
    }
}

record! {
    /// Asks for the totals of a batch.
    Totals {
        /// When it is asked.
        at: ChinaTime = "TrxInf/TrxDtTm",
        /// The batch.
        batch: BatchId = "BatchId",
    }
}

record! {
    /// The totals of a batch.
    TotalsAnswer {
        /// Whether the network could do something with the message.
        system: String = "SysRtnInf/SysRtnCd",
        /// When.
        system_at: ChinaTime = "SysRtnInf/SysRtnTm",
        /// The batch.
        batch: BatchId = "BatchInf/BatchId",
        /// How many debits were done.
        debits: u64 = "BatchInf/DbtNb",
        /// Their sum.
        debited: Money = "BatchInf/DbtAmt",
        /// How many refunds were done.
        refunds: u64 = "BatchInf/RfdNb",
        /// Their sum.
        refunded: Money = "BatchInf/RfdAmt",
        /// How many payouts were done.
        payouts: u64 = "BatchInf/PytNb",
        /// Their sum.
        paid_out: Money = "BatchInf/PytAmt",
    }
}
