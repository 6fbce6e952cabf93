//! How likely a variable is to change what a program does, and why.

/// An estimate from 0 to 1 and its reason in words.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Likelihood {
    pub prior: f64,
    pub why: &'static str,
}

const fn likely(prior: f64, why: &'static str) -> Likelihood {
    Likelihood { prior, why }
}

pub const FLAG: Likelihood = likely(0.30, "a feature flag chooses which code runs");
pub const SECRET: Likelihood = likely(0.10, "another secret changes who may do what, seldom what is done");

/// By its name and values; estimates, not measurements, for an order in which a person looks.
pub fn variable(name: &str, from: Option<&str>, to: Option<&str>) -> Likelihood {
    let words: Vec<String> = name.split(['_', '.', '-']).map(str::to_ascii_uppercase).collect();
    let has = |known: &[&str]| words.iter().any(|word| known.contains(&word.as_str()));
    let upper = name.to_ascii_uppercase();
    let starts = |known: &[&str]| known.iter().any(|known| upper.starts_with(known));
    let sides = || from.into_iter().chain(to);
    let switches = |value: &str| {
        ["true", "false", "on", "off", "yes", "no", "enabled", "disabled"]
            .contains(&value.to_ascii_lowercase().as_str())
    };
    let quiet = has(&["LOG", "LOGS", "LOGGING", "LOGLEVEL", "VERBOSE", "COLOR"])
        || starts(&["OTEL_", "SENTRY_", "NEW_RELIC", "DD_"]);
    if quiet {
        return likely(0.05, "logs and traces watch a program and seldom change it");
    }
    if has(&["ENABLE", "ENABLED", "DISABLE", "DISABLED", "FEATURE", "FEATURES", "FLAG", "EXPERIMENT"])
        || sides().count() > 0 && sides().all(switches)
    {
        return likely(0.30, "it switches something on or off");
    }
    let modes = [
        "NODE_ENV",
        "RAILS_ENV",
        "RACK_ENV",
        "APP_ENV",
        "FLASK_ENV",
        "ENV",
        "ENVIRONMENT",
        "SPRING_PROFILES_ACTIVE",
        "DJANGO_SETTINGS_MODULE",
        "ASPNETCORE_ENVIRONMENT",
        "MODE",
    ];
    if modes.contains(&upper.as_str()) || has(&["DEBUG"]) {
        return likely(0.30, "it chooses a whole configuration");
    }
    let runtime = [
        "JAVA_OPTS",
        "JAVA_TOOL_OPTIONS",
        "JDK_JAVA_OPTIONS",
        "NODE_OPTIONS",
        "GOMAXPROCS",
        "GOGC",
        "GOMEMLIMIT",
        "GODEBUG",
        "LD_PRELOAD",
        "LD_LIBRARY_PATH",
        "OMP_NUM_THREADS",
        "UV_THREADPOOL_SIZE",
    ];
    if runtime.contains(&upper.as_str()) || starts(&["PYTHON", "MALLOC_", "RUBY", "PHP_", "DOTNET_"]) {
        return likely(0.25, "it changes the runtime under the program");
    }
    if has(&[
        "TIMEOUT",
        "POOL",
        "MAX",
        "MIN",
        "LIMIT",
        "WORKERS",
        "THREADS",
        "CONCURRENCY",
        "RETRIES",
        "RETRY",
        "TTL",
        "CACHE",
        "BATCH",
        "SIZE",
        "INTERVAL",
        "CONNECTIONS",
        "RATE",
        "BUFFER",
        "QUEUE",
    ]) {
        return likely(0.25, "a bound or a time that shows under load");
    }
    if upper == "TZ" || has(&["TIMEZONE", "LOCALE", "LANG"]) {
        return likely(0.20, "it changes how times and texts read");
    }
    if has(&["VERSION", "SHA", "COMMIT", "BUILD", "REVISION", "GIT"]) {
        return likely(0.10, "it names a build; the image itself tells more");
    }
    if has(&["URL", "URI", "HOST", "ENDPOINT", "PORT", "PROXY", "BROKER", "BROKERS", "DSN"]) {
        return likely(0.15, "it chooses what the program talks to");
    }
    likely(0.20, "the program reads it")
}
