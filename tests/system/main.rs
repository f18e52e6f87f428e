//! The whole system: SDK and host together, over real HTTP with real tokens.

mod add_on;
mod answers;
mod bad_input;
mod browser_install;
mod conditions;
mod corpus;
mod deliveries;
mod descriptor_schema;
mod hooks;
mod install;
mod log;
mod messages;
mod notifications;
mod pages;
mod peer;
mod push;
mod restart;
mod runtime_glances;
mod runtime_webhooks;
mod tokens;
mod update;
mod webhooks;
