//! What is exported of an add-on, and how traces go through it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use glance_opentelemetry::telemetry::{continue_trace, pass_trace_on};
use glance_sdk::auth::{SigningKey, now};
use glance_sdk::axum::http::HeaderMap;
use glance_sdk::axum::middleware::from_fn;
use glance_sdk::axum::routing::post;
use glance_sdk::axum::{Json, Router};
use glance_sdk::model::{Claims, Context, InstallationData};
use glance_sdk::prelude::*;
use glance_sdk::store::{Endpoints, Installation, InstallationStore, MemoryStore};
use metrics_exporter_opentelemetry::Recorder;
use opentelemetry::trace::TracerProvider;
use opentelemetry::{KeyValue, Value, global};
use opentelemetry_sdk::metrics::InMemoryMetricExporter;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider, SpanData};
use tokio::net::TcpListener;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::{EnvFilter, Layer};

const SECRET: &str = "topsecret-of-the-installation";
const TOKEN: &str = "topsecret-access-token";
const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const CALLER: &str = "b7ad6b7169203331";

#[glance(key = "builds", name = "Builds", icon = "/builds.svg")]
async fn builds(query: GlanceQuery) -> Result<GlanceData, Failure> {
    let client = query.signed_request().client().await?;
    let data = GlanceData::new(label!("<b>3</b> builds"));
    client
        .room(query.room_id())
        .push::<builds>(data.clone())
        .await?;
    Ok(data)
}

/// A host that gives a token and takes pushes, and notes the `traceparent` of each call.
async fn host(parents: Arc<Mutex<Vec<String>>>) -> String {
    let note = move |headers: &HeaderMap| {
        let parent = headers.get("traceparent").expect("a traceparent");
        parents
            .lock()
            .unwrap()
            .push(parent.to_str().unwrap().to_owned());
    };
    let note_too = note.clone();
    let token = async move |headers: HeaderMap| {
        note(&headers);
        Json(serde_json::json!({ "access_token": TOKEN, "expires_in": 3600 }))
    };
    let push = async move |headers: HeaderMap| note_too(&headers);
    let router = Router::new()
        .route("/v2/oauth/token", post(token))
        .route("/v2/addon/ui/room/42", post(push));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { glance_sdk::axum::serve(listener, router).await });
    base
}

fn find<'s>(spans: &'s [SpanData], name: &str) -> &'s SpanData {
    let names: Vec<_> = spans.iter().map(|span| &span.name).collect();
    let found = spans.iter().find(|span| span.name == name);
    found.unwrap_or_else(|| panic!("no span {name} in {names:?}"))
}

fn value(span: &SpanData, key: &'static str) -> Value {
    let found = span.attributes.iter().find(|one| one.key.as_str() == key);
    let KeyValue { value, .. } = found.unwrap_or_else(|| panic!("no {key} in {span:?}"));
    value.clone()
}

// One thread, for which subscriber and recorder are set.
#[tokio::test]
async fn spans_and_metrics_are_exported_and_traces_continue() {
    global::set_text_map_propagator(TraceContextPropagator::new());
    let exporter = InMemorySpanExporter::default();
    let provider = SdkTracerProvider::builder()
        .with_simple_exporter(exporter.clone())
        .build();
    let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("builds"));
    let subscriber = tracing_subscriber::registry()
        .with(layer.with_filter(EnvFilter::new("info,glance_sdk=debug")));
    let _subscriber = tracing::subscriber::set_default(subscriber);
    let numbers = InMemoryMetricExporter::default();
    let (meters, recorder) = Recorder::builder("builds")
        .with_meter_provider(|provider| provider.with_periodic_exporter(numbers.clone()))
        .build();
    let _recorder = metrics::set_default_local_recorder(&recorder);

    let parents = Arc::default();
    let base = host(Arc::clone(&parents)).await;
    let store = MemoryStore::default();
    let data = InstallationData::new("one".into(), SECRET.into(), format!("{base}/c"), 1.into());
    let endpoints = Endpoints::new(format!("{base}/v2/oauth/token"), format!("{base}/v2/"));
    store
        .put(&Installation::new(data, endpoints))
        .await
        .unwrap();
    let add_on = AddOn::new("com.example.builds", "Builds")
        .store(store)
        .call_headers(pass_trace_on)
        .glance::<builds>()
        .asset(
            "/builds.svg",
            "image/svg+xml",
            "<svg xmlns='http://www.w3.org/2000/svg'/>",
        );
    let server = add_on.listen("127.0.0.1", 0, None).await.unwrap();
    let address = server.base_url().to_owned();
    let server = server.layer(from_fn(continue_trace));
    tokio::spawn(server.run(std::future::pending()));

    let mut claims = Claims::new("one".into(), now(), now() + 60);
    let mut context = Context::default();
    context.room_id = Some(42.into());
    claims.context = Some(context);
    let signed = SigningKey::new(&SECRET.into()).sign(&claims);
    let answer = reqwest::Client::new()
        .get(format!("{address}/glance/builds?signed_request={signed}"))
        .header("traceparent", format!("00-{TRACE}-{CALLER}-01"))
        .timeout(Duration::from_secs(30))
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 200);

    let spans = exporter.get_finished_spans().unwrap();
    let query = find(&spans, "glance.query");
    assert_eq!(query.span_context.trace_id().to_string(), TRACE);
    assert_eq!(query.parent_span_id.to_string(), CALLER);
    assert_eq!(query.span_kind, opentelemetry::trace::SpanKind::Server);
    assert_eq!(value(query, "glance.key"), Value::from("builds"));
    assert_eq!(value(query, "glance.room"), Value::from("42"));
    assert_eq!(value(query, "http.response.status_code"), Value::I64(200));
    let push = find(&spans, "glance.push");
    assert_eq!(push.parent_span_id, query.span_context.span_id());
    let call = find(&spans, "glance.call");
    assert_eq!(call.parent_span_id, push.span_context.span_id());
    assert_eq!(call.span_kind, opentelemetry::trace::SpanKind::Client);
    let token = find(&spans, "glance.token");
    assert_eq!(
        *parents.lock().unwrap(),
        [token, call].map(|span| format!("00-{TRACE}-{}-01", span.span_context.span_id()))
    );
    let exported = format!("{spans:?}");
    for secret in [SECRET, TOKEN, &signed] {
        assert!(!exported.contains(secret), "{exported}");
    }

    meters.force_flush().unwrap();
    let numbers = numbers.get_finished_metrics().unwrap();
    let names: Vec<_> = numbers
        .iter()
        .flat_map(|one| one.scope_metrics())
        .flat_map(|scope| scope.metrics())
        .map(|metric| metric.name().to_owned())
        .collect();
    for name in [
        "glance_requests_total",
        "glance_request_seconds",
        "glance_calls_total",
        "glance_tokens_total",
    ] {
        assert!(
            names.iter().any(|one| one == name),
            "no {name} in {names:?}"
        );
    }
    meters.shutdown().unwrap();
}
