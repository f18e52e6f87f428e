//! The transport over the network.

use async_trait::async_trait;
use glance_sdk::egress::{EgressPolicy, HttpClient, Proxies, Redirects, Timeouts};
use reqwest::header::{ACCESS_CONTROL_ALLOW_ORIGIN, CONTENT_TYPE, HeaderName, RETRY_AFTER};
use std::time::Duration;

use super::{Answer, AnswerLimits, NoAnswer, OutboundRequest, Transport};

/// Sends requests over HTTP to addresses that an [`EgressPolicy`] allows.
#[derive(Debug)]
pub(crate) struct HttpTransport {
    /// Follows redirects to addresses that the policy allows.
    following: HttpClient,
    /// Follows no redirects: a posted body is for its URL only.
    staying: HttpClient,
}

impl HttpTransport {
    pub(crate) fn new(policy: &EgressPolicy, proxies: &Proxies) -> glance_sdk::Result<Self> {
        let client = |redirects| {
            HttpClient::builder(policy.clone())
                .user_agent(concat!("glance-host/", env!("CARGO_PKG_VERSION")))
                .proxies(proxies.clone())
                .redirects(redirects)
                .build()
        };
        Ok(Self {
            following: client(Redirects::Checked)?,
            staying: client(Redirects::None)?,
        })
    }
}

#[async_trait]
impl Transport for HttpTransport {
    async fn send(
        &self,
        request: OutboundRequest,
        limits: AnswerLimits,
    ) -> Result<Answer, NoAnswer> {
        let client = match request.redirects {
            Redirects::Checked => &self.following,
            _ => &self.staying,
        };
        let mut builder = client.request(request.method, request.url);
        builder = builder.headers(request.headers);
        if let Some(body) = request.body {
            builder = builder.body(body);
        }
        let request = builder.build();
        let request =
            request.map_err(|cause| NoAnswer::Unreachable(cause.without_url().to_string()))?;
        let response = client
            .send(request, Timeouts::within(limits.timeout))
            .await?;
        let header = |name: HeaderName| {
            let value = response.headers().get(name)?.to_str().ok()?;
            Some(value.to_owned())
        };
        let allowed: Vec<_> = response
            .headers()
            .get_all(ACCESS_CONTROL_ALLOW_ORIGIN)
            .iter()
            .map(|value| String::from_utf8_lossy(value.as_bytes()))
            .collect();
        let retry_after = header(RETRY_AFTER).and_then(|seconds| seconds.trim().parse().ok());
        Ok(Answer {
            status: response.status(),
            allowed_origin: (!allowed.is_empty()).then(|| allowed.join(", ")),
            content_type: header(CONTENT_TYPE),
            retry_after: retry_after.map(Duration::from_secs),
            body: response.read(limits.max_bytes).await?,
        })
    }
}

#[cfg(test)]
mod tests {
    use reqwest::Method;
    use reqwest::header::HeaderMap;
    use tokio::net::{TcpSocket, TcpStream};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn connect_timeout_is_unreachable() {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let busy = socket.listen(1).unwrap();
        let address = busy.local_addr().unwrap();
        let mut waiting = Vec::new();
        for _ in 0..2 {
            waiting.push(TcpStream::connect(address).await.unwrap());
        }
        let policy = EgressPolicy::any_network();
        let transport = HttpTransport::new(&policy, &Proxies::none()).unwrap();
        let request = OutboundRequest {
            method: Method::POST,
            url: format!("http://{address}/").parse().unwrap(),
            headers: HeaderMap::new(),
            body: None,
            redirects: Redirects::None,
        };
        let limits = AnswerLimits {
            timeout: Duration::from_secs(10),
            max_bytes: 1000,
        };
        let answer = transport.send(request, limits).await;
        assert!(
            matches!(answer, Err(NoAnswer::Unreachable(_))),
            "{answer:?}"
        );
    }
}
