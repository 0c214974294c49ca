//! How much of everything: each limit with its reason.

/// Metadata keys of an object: Stripe's limit, so that what fits there fits here.
pub const METADATA_KEYS: usize = 50;
/// Characters of a metadata key: Stripe's limit.
pub const METADATA_KEY_CHARS: usize = 40;
/// Characters of a metadata value: Stripe's limit.
pub const METADATA_VALUE_CHARS: usize = 500;
/// Characters of a description: long enough for an order, short enough for a list of them.
pub const DESCRIPTION_CHARS: usize = 1_000;
/// Characters of what stands on a card statement: the networks print 22.
pub const STATEMENT_DESCRIPTOR_CHARS: usize = 22;
/// Characters of an electronic mail address: RFC 5321, 64 + 1 + 255, less what no server takes.
pub const EMAIL_CHARS: usize = 254;
/// Characters of a person's or company's name.
pub const NAME_CHARS: usize = 256;
/// Characters of a telephone number: E.164 has 15 digits; marks and an extension come on top.
pub const PHONE_CHARS: usize = 40;
/// Characters of one line of an address.
pub const ADDRESS_CHARS: usize = 200;
/// Characters of a URL: what servers and proxies commonly take.
pub const URL_CHARS: usize = 2_048;
/// Characters of a merchant's order number: it is a key of the store.
pub const MERCHANT_ORDER_ID_CHARS: usize = 128;
/// Characters of an id in a request: ours have 30; anything much longer is no id.
pub const ID_CHARS: usize = 100;
/// Entries of a list in a request, such as event types of an endpoint.
pub const LIST_ENTRIES: usize = 300;
/// Fields named by `expand`.
pub const EXPAND_ENTRIES: usize = 20;
/// The largest amount of a payment in minor units: Stripe's eight digits leave too little for currencies
/// with small units, so twelve; sums of a million of them still fit in 64 bits.
pub const AMOUNT_MINOR_MAX: i64 = 999_999_999_999;
/// Characters of a search query: Stripe's limit is of this order; parsing is linear in it.
pub const QUERY_CHARS: usize = 1_000;
/// Conditions of a search query: Stripe's limit.
pub const QUERY_CLAUSES: usize = 10;
/// Items of a checkout session: Stripe's limit.
pub const LINE_ITEMS: usize = 100;
/// How many of one item: enough for screws, and unit prices times it still fit.
pub const QUANTITY_MAX: i64 = 999_999;
/// Characters of the merchant's own name for a session: Stripe's limit.
pub const REFERENCE_CHARS: usize = 200;
/// Characters of a tag of a language: RFC 5646 calls 35 enough for all that are in use.
pub const LOCALE_CHARS: usize = 35;
/// Seconds for which a checkout session can be paid, at least and at most: Stripe's limits.
pub const SESSION_SECONDS: std::ops::RangeInclusive<i64> = 1_800..=86_400;
/// Attempts of one intent: a hundred declines are an attack on card numbers, not a customer.
pub const ATTEMPTS_OF_INTENT: u32 = 100;
/// Sources of one payment: more than there are kinds of them.
pub const PAYMENT_SOURCES: usize = 10;
/// Refunds of one charge: each is an entry in the books for ever.
pub const REFUNDS_OF_CHARGE: u32 = 1_000;
/// Seconds until an authorization that nobody captured is given back: 7 days, as card networks do.
pub const AUTHORIZATION_SECONDS: i64 = 7 * 86_400;
/// Seconds for which what is set aside of a balance waits for a customer who must prove to be the holder of a card: longer
/// than any page of a bank stays open.
pub const ACTION_SECONDS: i64 = 3_600;
/// The first wait before an inquiry, in seconds. It doubles up to [`INQUIRY_SECONDS_MAX`].
pub const INQUIRY_SECONDS_FIRST: i64 = 2;
/// The longest wait between two inquiries: an hour, so that a channel that is back is noticed the same day.
pub const INQUIRY_SECONDS_MAX: i64 = 3_600;
/// The longest wait between two inquiries while a channel waits for the customer, who sees the end by them where no
/// notification comes.
pub const AWAITED_SECONDS_MAX: i64 = 10;
/// Inquiries until the waits between them are that long.
pub const AWAITED_INQUIRIES: u32 = 3;
/// Seconds after which what a customer could still pay is called off for good: a little more than channels allow for
/// clocks that differ.
pub const CALL_OFF_AFTER_SECONDS: i64 = 61;
/// Seconds that the outcome of a request to a channel may take until it is asked for: longer than any
/// time-out of a channel, because before that the answer is still on its way.
pub const ASK_SECONDS: i64 = 60;
/// Seconds after the beginning of an attempt in which another channel is tried when it comes to nothing: a customer stays
/// for that long in front of a page.
pub const CASCADE_SECONDS: i64 = 300;
