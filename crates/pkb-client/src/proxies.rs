//! Through which proxy an address is called, decided for each address: by `HTTPS_PROXY` (or `ALL_PROXY`) and `NO_PROXY`, as other
//! programs read them.
//!
//! Two rules hold whatever the variables say. This very machine is never called through a proxy. Nothing goes to a proxy in clear:
//! only https does, and of that a proxy sees the server's name.

use std::{fmt, sync::Arc};

use hyper_util::client::proxy::matcher::Matcher;
use reqwest::Url;

use crate::address::is_loopback;
use pkb_core::Fatal;

/// The variables that name the proxy: the first that is set holds.
const PROXY_VARIABLES: [&str; 4] = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
/// The variables that name the addresses that are called without it.
const EXEMPT_VARIABLES: [&str; 2] = ["NO_PROXY", "no_proxy"];

/// The proxy, and who is called without it. Cheap to clone.
#[derive(Clone, Default)]
pub struct Proxies(Option<Arc<Proxy>>);

/// The proxy that an address is called through.
pub(super) struct Proxy {
    /// The variable that names it.
    pub(super) variable: &'static str,
    /// Its address, which may hold a password.
    pub(super) url: Url,
    matcher: Matcher,
}

impl fmt::Debug for Proxies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Some(_) => "Proxies(Some(..))",
            None => "Proxies(None)",
        })
    }
}

impl Proxies {
    /// As the environment says.
    ///
    /// # Errors
    /// A variable names no proxy that can be used.
    pub fn from_environment() -> Result<Self, Fatal> {
        Self::new(|name| std::env::var(name).ok())
    }

    /// As these variables say.
    ///
    /// # Errors
    /// A variable names no proxy that can be used. Its value is not shown: it may hold a password.
    pub(super) fn new(variable: impl Fn(&str) -> Option<String>) -> Result<Self, Fatal> {
        let first = |names: &[&'static str]| {
            let set = names.iter().filter_map(|name| {
                let value = variable(name)?.trim().to_owned();
                (!value.is_empty()).then_some((*name, value))
            });
            set.into_iter().next()
        };
        let Some((variable, value)) = first(&PROXY_VARIABLES) else {
            return Ok(Self(None));
        };
        let exempt = first(&EXEMPT_VARIABLES).map_or_else(String::new, |(_, list)| list);
        let url = proxy_url(&value).ok_or_else(|| {
            Fatal::Usage(format!(
                "{variable} does not name a proxy that this program can use. What to do: set it to an http or https address, such as \
                 http://proxy.example:3128. In a name or password write %40 for @, %3A for : and %2F for /"
            ))
        })?;
        let matcher = Matcher::builder().https(url.as_str()).no(exempt).build();
        Ok(Self(Some(Arc::new(Proxy {
            variable,
            url,
            matcher,
        }))))
    }

    /// The proxy through which `url` is called, if it is.
    pub(super) fn of(&self, url: &Url) -> Option<&Proxy> {
        let proxy = self.0.as_deref()?;
        let may = url.scheme() == "https" && !is_loopback(url);
        let called = || proxy.matcher.intercept(&url.as_str().parse().ok()?);
        (may && called().is_some()).then_some(proxy)
    }
}

/// The proxy's address; http where it does not say how it is spoken to. `None` if connections cannot be made through it: better
/// none at all than past a proxy.
fn proxy_url(value: &str) -> Option<Url> {
    let url = match value.contains("://") {
        true => Url::parse(value),
        false => Url::parse(&format!("http://{value}")),
    };
    let url = url.ok().filter(|url| url.has_host())?;
    let is_http = matches!(url.scheme(), "http" | "https");
    let matcher = Matcher::builder().https(url.as_str()).build();
    let works = matcher.intercept(&"https://pkb.example/".parse().ok()?);
    (is_http && works.is_some()).then_some(url)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn proxies(variables: &[(&str, &str)]) -> Result<Proxies, Fatal> {
        Proxies::new(|name| {
            let mut set = variables.iter();
            set.find_map(|(known, value)| (*known == name).then(|| (*value).to_owned()))
        })
    }

    fn variable_for(variables: &[(&str, &str)], url: &str) -> Option<&'static str> {
        let proxies = proxies(variables).unwrap();
        let proxy = proxies.of(&Url::parse(url).unwrap());
        proxy.map(|proxy| proxy.variable)
    }

    const PROXY: (&str, &str) = ("HTTPS_PROXY", "http://proxy.example:3128");

    #[test]
    fn this_machine_is_never_called_through_a_proxy() {
        for url in [
            "http://127.0.0.1:8180/x",
            "https://127.0.0.1/x",
            "http://127.8.9.1:1/",
            "http://localhost:8180/",
            "https://LOCALHOST/",
            "https://[::1]:8443/",
        ] {
            for no_proxy in ["", "pkb.example", "*"] {
                let variables = [PROXY, ("ALL_PROXY", PROXY.1), ("NO_PROXY", no_proxy)];
                assert_eq!(variable_for(&variables, url), None, "{url} {no_proxy}");
            }
        }
    }

    #[test]
    fn plain_http_goes_through_no_proxy() {
        let http = ("HTTP_PROXY", PROXY.1);
        let all = ("ALL_PROXY", PROXY.1);
        for url in ["http://pkb.example/", "http://10.0.0.1/"] {
            assert_eq!(variable_for(&[PROXY, http, all], url), None, "{url}");
        }
        assert_eq!(variable_for(&[http], "https://pkb.example/"), None);
    }

    #[test]
    fn other_addresses_are_called_as_the_variables_say() {
        let url = "https://api.pkb.example/x";
        let no = |list| [PROXY, ("NO_PROXY", list)];
        assert_eq!(variable_for(&[], url), None);
        assert_eq!(variable_for(&[PROXY], url), Some("HTTPS_PROXY"));
        for (variables, expected) in [
            ([("HTTPS_PROXY", ""), ("https_proxy", "p:1")], "https_proxy"),
            ([("HTTPS_PROXY", " "), ("ALL_PROXY", "p:1")], "ALL_PROXY"),
            ([("all_proxy", "p:1"), ("NO_PROXY", "")], "all_proxy"),
        ] {
            assert_eq!(variable_for(&variables, url), Some(expected));
        }
        for exempt in ["*", "pkb.example", ".pkb.example", "a, api.pkb.example"] {
            assert_eq!(variable_for(&no(exempt), url), None, "{exempt}");
        }
        for other in ["kb.example", "pkb.example.org", "10.0.0.0/8"] {
            assert!(variable_for(&no(other), url).is_some(), "{other}");
        }
        let inside = "https://10.1.2.3/";
        assert_eq!(variable_for(&no("10.0.0.0/8"), inside), None);
        assert!(variable_for(&no("10.2.0.0/16"), inside).is_some());
    }

    #[test]
    fn a_proxy_that_cannot_be_used_is_refused_and_its_password_not_shown() {
        for value in [
            "socks5://user:Canary@proxy.example:1080",
            "http://",
            "http://user:Canary@",
            "http://user:Canary@proxy.example:port",
            "file:///Canary",
            "user:Canary",
        ] {
            let refused = proxies(&[("HTTPS_PROXY", value)]).unwrap_err();
            assert_eq!(refused.exit_code(), pkb_core::ExitCode::Usage, "{value}");
            let text = refused.to_string();
            assert!(text.starts_with("HTTPS_PROXY ") && !text.contains("Canary"));
        }
        let usable = proxies(&[("HTTPS_PROXY", "user:Canary%40@proxy.example:1")]).unwrap();
        assert!(!format!("{usable:?}").contains("Canary"));
    }

    proptest! {
        #[test]
        fn whatever_the_variables_say_loopback_and_plain_http_stay_away_from_a_proxy(
            proxy in "(http://|https://)?[a-z]{1,8}(:[0-9]{1,4})?",
            no_proxy in "[a-z0-9.*,/ :]{0,20}",
            host in "127\\.[0-9]\\.[0-9]\\.[0-9]|localhost|\\[::1\\]",
            scheme in "https?",
        ) {
            let variables = [("HTTPS_PROXY", &*proxy), ("ALL_PROXY", &*proxy), ("NO_PROXY", &*no_proxy)];
            prop_assert_eq!(variable_for(&variables, &format!("{scheme}://{host}:81/")), None);
            prop_assert_eq!(variable_for(&variables, "http://pkb.example/"), None);
        }
    }
}
