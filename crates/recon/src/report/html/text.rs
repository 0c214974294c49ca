//! The words of the page in each language. Sentences have gaps `{0}`, `{1}`, filled by [`fill`].

use crate::outcome::Code;
use crate::report::summary::RunVerdict;

/// A language of the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Lang {
    /// English.
    #[default]
    En,
    /// Simplified Chinese.
    Zh,
}

impl Lang {
    /// Returns the BCP 47 tag.
    #[must_use]
    pub const fn tag(self) -> &'static str {
        match self {
            Lang::En => "en",
            Lang::Zh => "zh-CN",
        }
    }

    pub(super) const fn texts(self) -> &'static Texts {
        match self {
            Lang::En => &EN,
            Lang::Zh => &ZH,
        }
    }
}

/// Fills the gaps of a sentence.
pub(super) fn fill(sentence: &str, values: &[&str]) -> String {
    let mut out = sentence.to_owned();
    for (n, value) in values.iter().enumerate() {
        // A brace within a value is hidden until the end, since only the sentence has gaps.
        out = out.replace(&format!("{{{n}}}"), &value.replace('{', "\u{e000}"));
    }
    out.replace('\u{e000}', "{")
}

/// All texts of the page.
pub(super) struct Texts {
    pub title: &'static str,
    pub skip: &'static str,
    pub rules: &'static str,
    pub run: &'static str,
    pub finished: &'static str,
    pub digest: &'static str,
    pub left: &'static str,
    pub right: &'static str,
    pub left_records: &'static str,
    pub right_records: &'static str,
    pub clean_share: &'static str,
    pub differences: &'static str,
    pub pending: &'static str,
    pub clean: &'static str,
    pub all: &'static str,
    pub share_of_differences: &'static str,
    pub identity: &'static str,
    pub identity_note: &'static str,
    pub left_total: &'static str,
    pub right_total: &'static str,
    pub difference: &'static str,
    pub explained_by: &'static str,
    pub unexplained: &'static str,
    pub nothing_to_explain: &'static str,
    pub outcomes: &'static str,
    pub outcome: &'static str,
    pub meaning: &'static str,
    pub count: &'static str,
    pub currency: &'static str,
    pub left_amount: &'static str,
    pub right_amount: &'static str,
    pub none_of: &'static str,
    pub share_title: &'static str,
    pub share_all_clean: &'static str,
    pub share_caption: &'static str,
    pub class_title: &'static str,
    pub class_caption: &'static str,
    pub amount_title: &'static str,
    pub amount_caption: &'static str,
    pub amount_bucket: &'static str,
    pub below_one: &'static str,
    pub day_title: &'static str,
    pub day_caption: &'static str,
    pub day: &'static str,
    pub earlier: &'static str,
    pub undated: &'static str,
    pub as_table: &'static str,
    pub largest: &'static str,
    pub largest_note: &'static str,
    pub break_number: &'static str,
    pub amount: &'static str,
    pub key: &'static str,
    pub place: &'static str,
    pub samples: &'static str,
    pub samples_note: &'static str,
    pub what_differs: &'static str,
    pub why: &'static str,
    pub candidates: &'static str,
    pub inputs: &'static str,
    pub side: &'static str,
    pub file: &'static str,
    pub bytes: &'static str,
    pub rows: &'static str,
    pub and_more: &'static str,
    pub records: &'static str,
    pub rejected: &'static str,
    pub skipped: &'static str,
    pub open_items: &'static str,
    pub rows_read: &'static str,
    pub how: &'static str,
    pub plan: &'static str,
    pub phase: &'static str,
    pub time: &'static str,
    pub speed: &'static str,
    pub threads: &'static str,
    pub memory_limit: &'static str,
    pub peak: &'static str,
    pub no_limit: &'static str,
    pub files: &'static str,
    pub content: &'static str,
    pub footer: &'static str,
    pub reason: &'static str,
    pub column: &'static str,
    pub raw: &'static str,
}

impl Texts {
    /// The verdict in words. The gap is the count it is about.
    pub(super) fn headline(&self, lang: Lang, verdict: RunVerdict, count: u64) -> &'static str {
        match (lang, verdict) {
            (Lang::En, RunVerdict::Breaks) if count == 1 => "1 difference to look at",
            (Lang::En, RunVerdict::Reconciled) => "Reconciled: the two sides agree",
            (Lang::En, RunVerdict::ReconciledWithPending) => "Reconciled, with {0} still pending",
            (Lang::En, RunVerdict::Breaks) => "{0} differences to look at",
            (Lang::En, RunVerdict::Incomplete) => "Incomplete: an expected input is missing",
            (Lang::Zh, RunVerdict::Reconciled) => "已对平：双方一致",
            (Lang::Zh, RunVerdict::ReconciledWithPending) => "已对平，另有 {0} 笔在途",
            (Lang::Zh, RunVerdict::Breaks) => "有 {0} 笔差异待处理",
            (Lang::Zh, RunVerdict::Incomplete) => "未完成：缺少应到文件",
        }
    }

    /// What an outcome means, in plain words.
    pub(super) fn explain(&self, lang: Lang, code: Code) -> &'static str {
        match lang {
            Lang::En => explain_en(code),
            Lang::Zh => explain_zh(code),
        }
    }
}

const fn explain_en(code: Code) -> &'static str {
    match code {
        Code::Matched => "One record on each side, equal in every compared field.",
        Code::MatchedTolerance => "Equal but for an amount within the tolerance that the rules allow.",
        Code::MatchedAggregate => "Several records whose sums agree.",
        Code::MatchedLate => "An open item of an earlier run that now found its counterpart.",
        Code::NettedWithinSide => "Records of one side that cancel one another.",
        Code::PendingTiming => "Only one side has it so far, and it may still arrive.",
        Code::MissingInB => "The left side has it, the right side does not.",
        Code::MissingInA => "The right side has it, the left side does not.",
        Code::AmountMismatch => "Both sides have it, with other amounts.",
        Code::FeeMismatch => "Equal but for the fee.",
        Code::StatusMismatch => "Equal but for the status.",
        Code::CurrencyMismatch => "Both sides have it, in other currencies.",
        Code::TypeMismatch => "Both sides have it, as other types of record.",
        Code::DuplicateInA => "A further copy on the left of a record that was already matched.",
        Code::DuplicateInB => "A further copy on the right of a record that was already matched.",
        Code::BatchTotalMismatch => "The lines of a batch do not add up to its total.",
        Code::Ambiguous => "There are candidates, and the rules do not let one be chosen.",
        Code::Unkeyed => "It has no usable key, and no later pass found its counterpart.",
        Code::Rejected => "The row could not be read as a record. See rejected.csv.",
    }
}

const fn explain_zh(code: Code) -> &'static str {
    match code {
        Code::Matched => "双方各有一笔，所有比对字段一致。",
        Code::MatchedTolerance => "仅金额有差，且在规则允许的容差之内。",
        Code::MatchedAggregate => "多笔合计金额一致。",
        Code::MatchedLate => "前次未达账项，本次已匹配。",
        Code::NettedWithinSide => "同一方内部相互冲抵。",
        Code::PendingTiming => "目前仅一方有，仍在日切窗口内（在途）。",
        Code::MissingInB => "左方有、右方无（短款）。",
        Code::MissingInA => "右方有、左方无（长款）。",
        Code::AmountMismatch => "双方都有，金额不一致。",
        Code::FeeMismatch => "仅手续费不一致。",
        Code::StatusMismatch => "仅状态不一致。",
        Code::CurrencyMismatch => "双方都有，币种不一致。",
        Code::TypeMismatch => "双方都有，类型不一致。",
        Code::DuplicateInA => "左方重复：同一笔已匹配。",
        Code::DuplicateInB => "右方重复：同一笔已匹配。",
        Code::BatchTotalMismatch => "批次明细合计与批次总额不一致。",
        Code::Ambiguous => "存疑：有多个候选，规则不允许自动选择。",
        Code::Unkeyed => "没有可用的对账键，后续规则也未找到对应记录。",
        Code::Rejected => "该行无法读为一笔记录，见 rejected.csv。",
    }
}

static EN: Texts = Texts {
    title: "Reconciliation",
    skip: "Skip to content",
    rules: "Rules",
    run: "Run",
    finished: "As of {0}. Times are in UTC.",
    digest: "Digest of the outcomes",
    left: "Left",
    right: "Right",
    left_records: "Left records",
    right_records: "Right records",
    clean_share: "Records matched",
    differences: "Differences",
    pending: "Pending",
    clean: "Matched",
    all: "All",
    share_of_differences: "Differences of all",
    identity: "Why the totals differ",
    identity_note: "For each currency, left minus right equals what its outcomes contribute. Nothing may be left unexplained.",
    left_total: "Left total",
    right_total: "Right total",
    difference: "Difference",
    explained_by: "Explained by",
    unexplained: "Unexplained",
    nothing_to_explain: "The totals are equal",
    outcomes: "Outcomes",
    outcome: "Outcome",
    meaning: "What it means",
    count: "Count",
    currency: "Currency",
    left_amount: "Left amount",
    right_amount: "Right amount",
    none_of: "Outcomes that did not occur ({0})",
    share_title: "All outcomes",
    share_all_clean: "All {0} outcomes are matched or cancelled.",
    share_caption: "{0} of {1} outcomes are matched or cancelled; {2} are differences and {3} are pending.",
    class_title: "Differences and pending, by outcome",
    class_caption: "The most frequent is {0}: {1} of {2}.",
    amount_title: "By amount of the record; rejected rows have none",
    amount_caption: "The most frequent size is {2}: {0} of {1} differences.",
    amount_bucket: "Amount, in units of its currency",
    below_one: "below 1",
    day_title: "By business day; rejected rows have none",
    day_caption: "The day with the most is {0}: {1} of {2} differences.",
    day: "Day",
    earlier: "earlier",
    undated: "no date",
    as_table: "View as table",
    largest: "Largest differences",
    largest_note: "The ten largest of each currency, either way.",
    break_number: "Break",
    amount: "Amount",
    key: "Key",
    place: "File and row",
    samples: "Examples",
    samples_note: "The first five rows of each outcome, with only the fields that differ. All are in breaks.csv and breaks.parquet.",
    what_differs: "What differs",
    why: "Why",
    candidates: "candidates",
    inputs: "Inputs",
    side: "Side",
    file: "File",
    bytes: "Size",
    rows: "Rows",
    and_more: "and {0} more: see summary.json",
    records: "Records",
    rejected: "Rejected",
    skipped: "Skipped",
    open_items: "Open items carried in",
    rows_read: "Rows read, headers and blank lines aside",
    how: "How it ran",
    plan: "Plan",
    phase: "Phase",
    time: "Time",
    speed: "Speed",
    threads: "Threads",
    memory_limit: "Memory limit",
    peak: "Peak memory",
    no_limit: "none",
    files: "Files of this run",
    content: "Content",
    footer: "Amounts are exact: whole minor units throughout, never rounded. This page loads nothing from outside.",
    reason: "Reason",
    column: "Column",
    raw: "As it stands in the file",
};

static ZH: Texts = Texts {
    title: "对账",
    skip: "跳到正文",
    rules: "对账规则",
    run: "对账批次",
    finished: "截至 {0}，时间为 UTC。",
    digest: "结果摘要",
    left: "左方",
    right: "右方",
    left_records: "左方笔数",
    right_records: "右方笔数",
    clean_share: "已对平笔数占比",
    differences: "差异",
    pending: "在途",
    clean: "已对平",
    all: "合计",
    share_of_differences: "差异占比",
    identity: "总额差异的构成",
    identity_note: "每个币种：左方合计减右方合计，等于各类结果的净额之和，不得有未解释余额。",
    left_total: "左方合计",
    right_total: "右方合计",
    difference: "差额",
    explained_by: "构成",
    unexplained: "未解释",
    nothing_to_explain: "双方合计相等",
    outcomes: "对账结果",
    outcome: "结果",
    meaning: "说明",
    count: "数量",
    currency: "币种",
    left_amount: "左方金额",
    right_amount: "右方金额",
    none_of: "未出现的结果（{0} 类）",
    share_title: "全部结果",
    share_all_clean: "全部 {0} 项结果均已对平或冲抵。",
    share_caption: "{1} 项结果中 {0} 项已对平或冲抵；{2} 项为差异，{3} 项在途。",
    class_title: "差异与在途分类",
    class_caption: "最多的是 {0}：{2} 项中占 {1} 项。",
    amount_title: "按记录金额（拒收行无金额）",
    amount_caption: "最多的金额区间是 {2}：{1} 项差异中占 {0} 项。",
    amount_bucket: "金额（按各自币种单位）",
    below_one: "小于 1",
    day_title: "按业务日（拒收行无日期）",
    day_caption: "差异最多的一天是 {0}：{2} 项中占 {1} 项。",
    day: "日期",
    earlier: "更早",
    undated: "无日期",
    as_table: "查看表格",
    largest: "最大差额",
    largest_note: "每个币种差额绝对值最大的十项。",
    break_number: "差错号",
    amount: "金额",
    key: "对账键",
    place: "文件与行号",
    samples: "样例",
    samples_note: "每类结果的前五行，仅列出不一致的字段。全部见 breaks.csv 与 breaks.parquet。",
    what_differs: "不一致之处",
    why: "原因",
    candidates: "候选",
    inputs: "输入文件",
    side: "方",
    file: "文件",
    bytes: "大小",
    rows: "行数",
    and_more: "另有 {0} 个，见 summary.json",
    records: "记录",
    rejected: "拒收",
    skipped: "跳过",
    open_items: "转入的未达账项",
    rows_read: "读入行数（不含表头与空行）",
    how: "运行情况",
    plan: "执行计划",
    phase: "阶段",
    time: "用时",
    speed: "速度",
    threads: "线程",
    memory_limit: "内存上限",
    peak: "内存峰值",
    no_limit: "无",
    files: "本次输出文件",
    content: "内容",
    footer: "金额精确到最小货币单位，全程整数，不作舍入。本页不加载任何外部资源。",
    reason: "原因",
    column: "列",
    raw: "文件原文",
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_are_filled_and_values_are_left_alone() {
        assert_eq!(fill("{0} of {1}", &["{1}", "b"]), "{1} of b");
        assert_eq!(fill("none", &["a"]), "none");
    }
}
