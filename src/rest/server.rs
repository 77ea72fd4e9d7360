//! Listens, puts every request through the same gate, and stops without cutting answers off.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, ToSocketAddrs};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request};
use axum::http::{HeaderValue, StatusCode, Uri, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tower::ServiceBuilder;
use tower_http::catch_panic::CatchPanicLayer;

use super::error::RestError;
use super::routes::{self, Api};
use crate::config::worker::{AdminListeners, Listener, RestConfig};

/// The logger of Connect's access log.
const ACCESS_LOG: &str = "org.apache.kafka.connect.runtime.rest.RestServer";

/// Sockets that are open but not yet answered.
pub struct Bound {
    regular: Vec<TcpListener>,
    admin: AdminSockets,
    advertised_host: String,
    advertised_port: u16,
}

enum AdminSockets {
    WithTheOthers,
    Nowhere,
    Own(Vec<TcpListener>),
}

/// Opens every listener.
///
/// # Errors
/// Which address could not be bound, and why.
pub async fn bind(config: &RestConfig) -> Result<Bound, String> {
    let regular = bind_all(&config.listeners).await?;
    let admin = match &config.admin {
        AdminListeners::WithTheOthers => AdminSockets::WithTheOthers,
        AdminListeners::Nowhere => AdminSockets::Nowhere,
        AdminListeners::Own(listeners) => AdminSockets::Own(bind_all(listeners).await?),
    };
    let first = config.listeners.first();
    let bound_port = regular.first().and_then(|socket| socket.local_addr().ok()).map_or(0, |address| address.port());
    let listener_host = first.map(|listener| listener.host.clone()).filter(|host| !host.is_empty());
    Ok(Bound {
        regular,
        admin,
        advertised_host: config.advertised_host.clone().or(listener_host).unwrap_or_else(local_address),
        advertised_port: config.advertised_port.unwrap_or(bound_port),
    })
}

async fn bind_all(listeners: &[Listener]) -> Result<Vec<TcpListener>, String> {
    let mut sockets = Vec::new();
    for listener in listeners {
        let host = if listener.host.is_empty() { "0.0.0.0" } else { &listener.host };
        let socket = TcpListener::bind((host, listener.port))
            .await
            .map_err(|error| format!("cannot listen for REST on {host}:{}: {error}", listener.port))?;
        sockets.push(socket);
    }
    Ok(sockets)
}

/// This machine's own address, for workers that are told none.
fn local_address() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let addresses = (name.trim(), 0).to_socket_addrs().into_iter().flatten();
    let first = addresses.map(|address| address.ip()).find(IpAddr::is_ipv4);
    first.unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST)).to_string()
}

impl Bound {
    /// Where other workers reach this one; ends with a slash.
    pub fn advertised_url(&self) -> String {
        let host = &self.advertised_host;
        if host.contains(':') {
            return format!("http://[{host}]:{}/", self.advertised_port);
        }
        format!("http://{host}:{}/", self.advertised_port)
    }

    /// Connect: `worker_id` in statuses.
    pub fn worker_id(&self) -> String {
        format!("{}:{}", self.advertised_host, self.advertised_port)
    }

    /// Starts answering.
    pub fn serve(self, api: Api) -> Server {
        let stop = CancellationToken::new();
        let mut tasks = JoinSet::new();
        let regular = match &self.admin {
            AdminSockets::WithTheOthers => routes::regular().merge(routes::admin()),
            AdminSockets::Nowhere | AdminSockets::Own(_) => routes::regular(),
        };
        let admin = match self.admin {
            AdminSockets::Own(sockets) => sockets,
            AdminSockets::WithTheOthers | AdminSockets::Nowhere => Vec::new(),
        };
        let regular = self.regular.into_iter().map(|socket| (socket, regular.clone()));
        let admin = admin.into_iter().map(|socket| (socket, routes::admin()));
        for (socket, router) in regular.chain(admin) {
            let router = complete(router, api.clone());
            let stop = stop.clone();
            tasks.spawn(async move {
                let service = router.into_make_service_with_connect_info::<SocketAddr>();
                let served = axum::serve(socket, service).with_graceful_shutdown(stop.cancelled_owned()).await;
                if let Err(error) = served {
                    tracing::error!("REST server stopped: {error}");
                }
            });
        }
        Server { tasks, stop }
    }
}

/// The running REST server; dropping it cuts all connections.
pub struct Server {
    tasks: JoinSet<()>,
    stop: CancellationToken,
}

impl Server {
    /// Takes no more connections and waits until the open requests are answered, at most this long.
    pub async fn stop(mut self, limit: Duration) {
        self.stop.cancel();
        let all = async { while self.tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(limit, all).await.is_err() {
            tracing::warn!("REST requests were still open after {} s and are cut off", limit.as_secs());
        }
    }
}

/// Adds what is the same for all paths.
fn complete(router: Router<Api>, api: Api) -> Router {
    let inner = router.fallback(|| async { RestError::generic(StatusCode::NOT_FOUND) }).with_state(api).layer(
        CatchPanicLayer::custom(|_| {
            RestError::new(StatusCode::INTERNAL_SERVER_ERROR, "the worker failed to handle the request, see its log")
                .into_response()
        }),
    );
    // Around the router, not in it, because it changes the path before a route is chosen.
    Router::new().fallback_service(ServiceBuilder::new().layer(middleware::from_fn(gate)).service(inner))
}

/// Makes the path canonical, runs the request and logs it.
async fn gate(mut request: Request, next: Next) -> Response {
    let began = Instant::now();
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
    let line = format!("{} {} {:?}", request.method(), request.uri(), request.version());
    let text =
        |request: &Request, name| request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or("-").to_owned();
    let (referer, agent) = (text(&request, header::REFERER), text(&request, header::USER_AGENT));

    let mut response = match canonical(request.uri()) {
        Err(()) => RestError::generic(StatusCode::BAD_REQUEST).into_response(),
        Ok(changed) => {
            if let Some(uri) = changed {
                *request.uri_mut() = uri;
            }
            next.run(request).await
        }
    };
    if response.status() == StatusCode::METHOD_NOT_ALLOWED {
        response.headers_mut().remove(header::ALLOW);
    }
    let bytes = response_size(&response);
    let peer = peer.map_or("-".to_owned(), |peer| peer.to_string());
    let time = jiff::Zoned::now();
    tracing::info!(
        target: ACCESS_LOG,
        "{peer} - - [{}] \"{line}\" {} {bytes} \"{referer}\" \"{agent}\" {}",
        time.strftime("%d/%b/%Y:%H:%M:%S %z"),
        response.status().as_u16(),
        began.elapsed().as_millis()
    );
    response
}

fn response_size(response: &Response<Body>) -> String {
    use axum::body::HttpBody as _;
    let declared = response.headers().get(header::CONTENT_LENGTH).and_then(|value: &HeaderValue| value.to_str().ok());
    declared.map(str::to_owned).or_else(|| response.body().size_hint().exact().map(|size| size.to_string())).unwrap_or_default()
}

/// Takes matrix parameters and one trailing slash off; `None` if nothing changes.
///
/// # Errors
/// If a percent escape is malformed or stands for NUL.
fn canonical(uri: &Uri) -> Result<Option<Uri>, ()> {
    let path = uri.path();
    let mut rest = path;
    while let Some(at) = rest.find('%') {
        let digits = rest.as_bytes().get(at + 1..at + 3).ok_or(())?;
        if !digits.iter().all(u8::is_ascii_hexdigit) || digits == b"00" {
            return Err(());
        }
        rest = &rest[at + 3..];
    }
    let trailing_slash = path.len() > 1 && path.ends_with('/');
    if !path.contains(';') && !trailing_slash {
        return Ok(None);
    }
    let segments = path.split('/').map(|segment| segment.split(';').next().unwrap_or_default());
    let mut clean = segments.collect::<Vec<_>>().join("/");
    if clean.len() > 1 && clean.ends_with('/') {
        clean.pop();
    }
    if let Some(query) = uri.query() {
        clean.push('?');
        clean.push_str(query);
    }
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(clean.parse().map_err(|_| ())?);
    Uri::from_parts(parts).map(Some).map_err(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_lose_matrix_parameters_and_a_trailing_slash() {
        let clean = |path: &str| canonical(&path.parse().unwrap()).map(|uri| uri.map_or(path.to_owned(), |uri| uri.to_string()));
        for (path, expected) in [
            ("/", "/"),
            ("/connectors/", "/connectors"),
            ("/connectors/a;b=c/config?x=1", "/connectors/a/config?x=1"),
            ("/connectors//config", "/connectors//config"),
            ("/connectors/a%2Fb/", "/connectors/a%2Fb"),
        ] {
            assert_eq!(clean(path).unwrap(), expected, "{path}");
        }
        for path in ["/connectors/%zz", "/connectors/%2", "/connectors/%00"] {
            assert!(clean(path).is_err(), "{path}");
        }
    }

    fn bound(host: &str) -> Bound {
        Bound { regular: Vec::new(), admin: AdminSockets::Nowhere, advertised_host: host.to_owned(), advertised_port: 8083 }
    }

    #[test]
    fn the_advertised_url_ends_with_a_slash() {
        assert_eq!(bound("h").advertised_url(), "http://h:8083/");
        assert_eq!(bound("::1").advertised_url(), "http://[::1]:8083/");
        assert_eq!(bound("h").worker_id(), "h:8083");
    }
}
