//! Every text of the page, in every language: a table that the compiler keeps whole.

use super::language::Language;

/// Declares the texts: name, English, Chinese. What stands in braces is filled in.
macro_rules! texts {
    ($($name:ident: $en:literal, $zh:literal;)+) => {
        /// A text.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(super) enum Text { $($name,)+ }

        impl Text {
            #[cfg(test)]
            const ALL: &'static [Text] = &[$(Text::$name,)+];

            /// Returns the text in a language.
            pub(super) const fn of(self, language: Language) -> &'static str {
                match (self, language) {
                    $((Text::$name, Language::En) => $en, (Text::$name, Language::Zh) => $zh,)+
                }
            }
        }
    };
}

texts! {
    // What stands on every page.
    SkipToPay: "Skip to payment", "跳到付款";
    TestMode: "Test mode – no money moves", "测试模式 – 不会产生真实扣款";
    AmountToPay: "Amount to pay", "应付金额";
    PayTo: "Pay to", "收款方";
    YourOrder: "Your order", "订单内容";
    Quantity: "Quantity {count}", "数量 {count}";
    Total: "Total", "合计";
    TimeLeft: "Time left", "剩余时间";
    PayBefore: "Pay before {time}", "请在 {time} 前付款";
    OneMinuteLeft: "One minute left to pay.", "距离付款截止还有一分钟。";
    BackToShop: "Back to {shop}", "返回 {shop}";
    OtherLanguage: "中文", "English";
    Languages: "Language", "语言";
    Title: "Pay {amount} to {shop}", "向 {shop} 支付 {amount}";
    SafeHere: "Your card goes to the bank, not to the shop.", "银行卡信息只提交给银行，商家不会看到。";

    // Choosing.
    ChooseMethod: "How would you like to pay?", "请选择付款方式";
    Card: "Bank card", "银行卡";
    CardHint: "Credit or debit card", "信用卡或借记卡";
    Alipay: "Alipay", "支付宝";
    WechatPay: "WeChat Pay", "微信支付";
    WalletHint: "Scan a code, or open the app", "扫码付款，或在手机上打开应用";
    Number: "Card number", "卡号";
    Expiry: "Expiry date", "有效期";
    ExpiryHint: "Month and year, as MM/YY", "月份和年份，格式为 MM/YY";
    Cvc: "Security code", "安全码";
    CvcHint: "3 or 4 digits on the card", "卡片上的 3 或 4 位数字";
    PayNow: "Pay {amount}", "支付 {amount}";
    OtherWays: "Pay in another way", "换一种付款方式";
    Balance: "Your balance", "余额";
    BalanceUse: "Use from your balance of {balance}", "使用余额（可用 {balance}）";
    BalanceHint: "The method above pays the rest. 0 uses nothing of it.", "其余部分由上方所选方式支付。填 0 表示不使用余额。";
    BalanceRest: "By the method above: {rest}", "上方所选方式支付：{rest}";
    BalanceSlide: "Share of your balance", "余额使用比例";
    BalanceWrong: "Enter an amount up to your balance and the sum to pay.", "请输入不超过余额和应付金额的金额。";
    Split: "{balance} from your balance, {rest} by {method}", "余额支付 {balance}，{method}支付 {rest}";
    NoMethod: "Nothing can be paid with at the moment. Please go back to the shop.", "暂时没有可用的付款方式，请返回商家。";

    // What is wrong with the form.
    FormWrong: "Please correct this:", "请更正以下内容：";
    NumberWrong: "Enter the number on your card, without a missing digit.", "请输入完整、正确的卡号。";
    ExpiryWrong: "Enter month and year as on the card, such as 08/29.", "请按卡面输入月份和年份，例如 08/29。";
    ExpiryPast: "This card has expired. Use another one.", "此卡已过期，请换一张卡。";
    CvcWrong: "Enter the 3 or 4 digits of the security code.", "请输入 3 或 4 位安全码。";
    MethodWrong: "Choose how you would like to pay.", "请选择付款方式。";
    MethodGone: "This cannot be used at the moment. Please choose another way.", "此付款方式暂时不可用，请换一种方式。";
    Busy: "Too much is going on. You have not paid; please try again in a moment.", "系统繁忙，尚未扣款，请稍后再试。";

    // Scanning.
    ScanTitle: "Scan with {wallet}", "使用{wallet}扫码付款";
    ScanHow: "Open {wallet}, choose Scan, and point it at the code.", "打开{wallet}“扫一扫”，扫描下方二维码。";
    OpenApp: "Open {wallet}", "打开{wallet}";
    CodePicture: "Code to scan with {wallet}, for {amount}", "{wallet}付款二维码，金额 {amount}";
    CodeLead: "Or copy the code as text", "或复制付款码文本";
    Copy: "Copy", "复制";
    Copied: "Copied", "已复制";
    CodeEnds: "This code is good for", "二维码有效时间";
    Waiting: "Waiting for your payment. This page goes on by itself.", "等待付款中，付款后页面会自动更新。";
    WaitingPlain: "After paying, press the button.", "付款后请点击下方按钮。";
    CheckNow: "I have paid – check", "我已付款，查询结果";
    ScanOverTitle: "This code is no longer good", "二维码已失效";
    ScanOverLead: "You have not been charged. Get a new code for the same order.", "尚未扣款。您可以为同一订单获取新的二维码。";
    NewCode: "Get a new code", "获取新二维码";
    WalletTitle: "Agree in your wallet", "请在钱包中确认付款";
    WalletLead: "The app asks you whether you want to pay.", "应用会询问您是否付款。";

    // Proving and confirming.
    ProveTitle: "Your bank wants to know that it is you", "银行需要验证您的身份";
    ProveLead: "You go to your bank's page and come back here.", "您将前往银行页面，验证后会返回此处。";
    ProveNow: "Continue to the bank", "前往银行验证";
    ConfirmingTitle: "Your payment is being confirmed", "正在确认付款结果";
    ConfirmingLead: "Please do not pay again. This can take a while; the result will stand here.", "请勿重复付款。确认可能需要一些时间，结果会显示在此页。";

    // Results.
    PaidTitle: "Paid", "付款成功";
    PaidLead: "{shop} has received your payment.", "{shop} 已收到您的付款。";
    FailedTitle: "The payment did not go through", "付款未成功";
    NotCharged: "You have not been charged. You can try again or pay in another way.", "尚未扣款。您可以重试，或换一种付款方式。";
    ExpiredTitle: "The time to pay is over", "付款时间已结束";
    ExpiredLead: "You have not been charged. Should you have paid all the same, the money goes back by itself.", "尚未扣款。如果您已经付款，款项会自动退回。";
    ClosedTitle: "The shop has closed this payment", "商家已关闭此笔付款";
    LateTitle: "Received after expiry – will be refunded", "付款已超时，将自动退款";
    LateBack: "Received after expiry – has been refunded", "付款已超时，已退款";
    LateLead: "Your payment came when the time was over, so the order was not paid. The whole amount goes back to you.", "您的付款在截止时间之后到达，订单未支付。款项将全额原路退回。";
    LateBackLead: "Your payment came when the time was over, so the order was not paid. The whole amount went back to you.", "您的付款在截止时间之后到达，订单未支付。款项已全额原路退回。";
    SecondTitle: "A second payment came and goes back to you", "收到一笔重复付款，将原路退回";
    Amount: "Amount", "金额";
    PaidWith: "Paid with", "付款方式";
    PaidAt: "Time", "时间";
    OrderNumber: "Order number", "订单号";
    Reference: "Reference", "参考号";
    ReturnSoon: "You return to {shop} in a few seconds.", "几秒后将返回 {shop}。";
    StayHere: "Stay on this page", "留在此页";
    Print: "Print", "打印";

    // Why a payment failed.
    WhyFunds: "There is not enough money on the account.", "账户余额不足。";
    WhyExpiredCard: "The card has expired.", "银行卡已过期。";
    WhyCvc: "The security code is not right.", "安全码不正确。";
    WhyNumber: "The card number is not right.", "卡号不正确。";
    WhyProof: "The bank could not make sure that it was you.", "银行未能完成身份验证。";
    WhyTime: "The code was not paid in time.", "未在有效时间内完成付款。";
    WhyLimit: "A limit of the card or account was reached.", "已超出银行卡或账户的限额。";
    WhyKind: "The bank does not allow this kind of payment with the card.", "银行不支持用此卡进行这类付款。";
    WhyTrouble: "Something went wrong at the bank. Nothing was taken.", "银行处理出错，尚未扣款。";
    WhyWallet: "The wallet refused the payment.", "钱包拒绝了此笔付款。";
    WhyRefused: "The bank refused the payment. It does not say why.", "银行拒绝了此笔付款，未说明原因。";

    // In test mode.
    TestTitle: "Try it with a card for tests", "使用测试卡体验";
    TestGood: "A card that is approved", "测试卡：付款成功";
    TestBad: "A card that is declined", "测试卡：付款被拒";
    TestProof: "A card that asks for proof", "测试卡：需要验证";

    // Pages that are no payment.
    MissingTitle: "There is no such payment page", "付款页面不存在";
    MissingLead: "Look whether the address is whole, or go back to the shop.", "请检查链接是否完整，或返回商家。";
    ManyTitle: "Too many requests", "请求过于频繁";
    ManyLead: "Please wait a minute and try again. Nothing was charged.", "请稍候一分钟再试，尚未扣款。";
    TroubleTitle: "This does not work at the moment", "暂时无法处理";
    TroubleLead: "Open the page again: it shows how things stand. Do not pay twice.", "请重新打开此页面查看付款状态，请勿重复付款。";
}

/// Fills values into a text.
pub(super) fn fill(text: &str, values: &[(&str, &str)]) -> String {
    let mut out = String::with_capacity(text.len() + 32);
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once('{') {
        out.push_str(before);
        let (name, after) = behind.split_once('}').unwrap_or((behind, ""));
        let value = values.iter().find(|(key, _)| *key == name).map(|(_, value)| *value);
        out.push_str(value.unwrap_or_default());
        rest = after;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// What is filled into a text.
    fn places(text: &str) -> BTreeSet<&str> {
        text.split('{').skip(1).map(|rest| rest.split('}').next().unwrap()).collect()
    }

    #[test]
    fn every_text_is_there_in_every_language() {
        assert!(Text::ALL.len() > 60);
        for &text in Text::ALL {
            let [en, zh] = Language::ALL.map(|language| text.of(language));
            assert!(!en.trim().is_empty() && !zh.trim().is_empty(), "{text:?}");
            assert_eq!(places(en), places(zh), "{text:?}");
            let chinese = |text: &str| text.chars().any(|char| ('\u{4e00}'..='\u{9fff}').contains(&char));
            // The name of the other language stands in that language.
            let swapped = text == Text::OtherLanguage;
            assert_eq!((chinese(en), chinese(zh)), (swapped, !swapped), "{text:?}");
        }
    }

    #[test]
    fn what_is_filled_in_is_not_filled_in_again() {
        let values = [("shop", "{amount}"), ("amount", "1.00")];
        assert_eq!(fill("{shop}: {amount}.", &values), "{amount}: 1.00.");
        assert_eq!(fill("no {such} thing {", &values), "no  thing ");
    }
}
