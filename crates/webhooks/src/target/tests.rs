use super::*;

fn live(url: &str) -> Result<Target, Error> {
    Target::parse(url, &Policy::live())
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

#[test]
fn a_url_is_taken_apart_as_it_is_called() {
    let target = live("https://Example.COM/hooks/a%20b?x=1&y=[2]#top").unwrap();
    assert_eq!((target.host.as_str(), target.port, target.tls), ("example.com", 443, true));
    assert_eq!((target.authority.as_str(), target.path.as_str()), ("example.com", "/hooks/a%20b?x=1&y=[2]"));
    assert_eq!(target.to_string(), "https://example.com/hooks/a%20b?x=1&y=[2]");
    assert_eq!(live("https://example.com:8443").unwrap().to_string(), "https://example.com:8443/");
    let six = live("https://[2606:4700:4700::1111]:8443/").unwrap();
    assert_eq!(six.host, "2606:4700:4700::1111");
    assert_eq!(six.authority, "[2606:4700:4700::1111]:8443");
    assert_eq!(live("https://bücher.example/").unwrap().host, "xn--bcher-kva.example");
    assert_eq!(live("https://example.com/").unwrap().with_path("/v1/x").path, "/v1/x");
}

#[test]
fn urls_that_lead_elsewhere_are_refused_by_name() {
    for (url, code) in [
        ("", "url"),
        ("example.com/hook", "url"),
        ("ftp://example.com/", "url"),
        ("file:///etc/passwd", "url"),
        ("gopher://example.com:70/", "url"),
        ("https://", "url"),
        ("https://exa mple.com/", "url"),
        ("https://example.com/\r\nHost: evil", "url"),
        ("https://example.com/\t", "url"),
        ("https://example.com:99999/", "url"),
        ("http://example.com/", "not_https"),
        ("https://user@example.com/", "user_info"),
        ("https://user:secret@example.com/", "user_info"),
        ("https://:secret@example.com/", "user_info"),
        ("https://example.com@127.0.0.1/", "user_info"),
        ("https://example.com:22/", "port"),
        ("https://example.com:25/", "port"),
        ("https://example.com:6379/", "port"),
        ("https://127.0.0.1/", "address_not_permitted"),
        ("https://127.1/", "address_not_permitted"),
        ("https://2130706433/", "address_not_permitted"),
        ("https://0x7f000001/", "address_not_permitted"),
        ("https://0177.0.0.1/", "address_not_permitted"),
        ("https://0/", "address_not_permitted"),
        ("https://169.254.169.254/latest/meta-data/", "address_not_permitted"),
        ("https://127.0.0.1/", "address_not_permitted"),
        ("https://[::1]/", "address_not_permitted"),
        ("https://[::ffff:10.0.0.1]/", "address_not_permitted"),
        ("https://[64:ff9b::7f00:1]/", "address_not_permitted"),
        ("https://[2002:7f00:1::]/", "address_not_permitted"),
    ] {
        let error = live(url).unwrap_err();
        assert_eq!(error.code(), code, "{url}: {error}");
        assert!(!error.to_string().contains("secret"), "{error}");
    }
    let long = format!("https://example.com/{}", "a".repeat(URL_CHARS));
    assert_eq!(live(&long).unwrap_err().code(), "url");
}

#[test]
fn a_password_is_in_no_error() {
    for url in ["ftp://u:hunter2@example.com/", "https://u:hunter2@exa mple.com/", "u:hunter2@example.com"] {
        let error = live(url).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
    }
}

#[test]
fn development_reaches_what_is_private_but_never_where_clouds_keep_credentials() {
    let code = |url: &str| Target::parse(url, &Policy::development()).err().map(|error| error.code());
    for url in
        ["http://127.0.0.1:3000/", "http://localhost:3000/hook", "http://10.0.0.7/", "http://[::1]:80/"]
    {
        assert_eq!(code(url), None, "{url}");
    }
    for url in ["http://169.254.169.254/", "http://[fe80::1]/", "http://224.0.0.1/", "http://0.0.0.0/"] {
        assert_eq!(code(url), Some("address_not_permitted"), "{url}");
    }
    for url in ["http://169.254.169.254/", "http://[fe80::1]/", "https://1.1.1.1/", "http://0.0.0.0/"] {
        assert!(Target::parse(url, &Policy::anywhere()).is_ok(), "{url}");
    }
    let listed = Policy { networks: Network::parse_list("10.1.0.0/16").unwrap(), ..Policy::live() };
    assert!(Target::parse("https://10.1.2.3/", &listed).is_ok());
    assert!(Target::parse("https://10.2.2.3/", &listed).is_err());
}

#[tokio::test]
async fn every_address_of_a_name_is_judged_and_the_port_is_that_of_the_url() {
    let names = FixedResolver::default()
        .with("good.example", &[ip("1.1.1.1"), ip("2606:4700:4700::1111")])
        .with("inner.example", &[ip("10.0.0.7")])
        .with("both.example", &[ip("1.1.1.1"), ip("127.0.0.1")])
        .with("none.example", &[])
        .with("many.example", &[ip("1.1.1.1"); ADDRESSES + 1]);
    let policy = Policy::live();
    let addresses = |url: &'static str| {
        let (names, policy) = (names.clone(), policy.clone());
        async move { Target::parse(url, &policy).unwrap().addresses(&names, &policy).await }
    };
    let found = addresses("https://good.example:8443/").await.unwrap();
    assert_eq!(found, ["1.1.1.1:8443".parse().unwrap(), "[2606:4700:4700::1111]:8443".parse().unwrap()]);
    for (url, code) in [
        ("https://inner.example/", "address_not_permitted"),
        ("https://both.example/", "address_not_permitted"),
        ("https://none.example/", "resolve"),
        ("https://many.example/", "resolve"),
        ("https://unknown.example/", "resolve"),
    ] {
        assert_eq!(addresses(url).await.unwrap_err().code(), code, "{url}");
    }
    // The real resolver knows this name on every machine.
    let inner = Target::parse("https://localhost/", &policy).unwrap();
    let error = inner.addresses(&SystemResolver, &policy).await.unwrap_err();
    assert_eq!(error.code(), "address_not_permitted", "{error}");
}
