//! The roles of people.

use super::*;
use crate::service::people::{People, Role};
use crate::service::sign_in::accounts::{Accounts, NameError, RoleError};
use crate::service::sign_in::{Admins, Proxy, SignInMethod, SignInState};

fn accounts(services: &Services, method: SignInMethod) -> Accounts {
    let people = People::new(Arc::clone(&services.storage));
    Accounts::new(
        Arc::clone(&services.storage),
        Arc::new(SignInState::new(method, b"key")),
        people,
        services.rooms.clone(),
        None,
    )
}

async fn role(services: &Services, user: &User) -> Role {
    let user = services.storage.user(user.id).await.unwrap().unwrap();
    Role::of(&user)
}

#[tokio::test]
async fn last_admin_keeps_the_role() {
    let services = Services::new();
    let accounts = accounts(&services, SignInMethod::Name);
    // The first person who signs in becomes an admin.
    let ann = accounts.sign_in_by_name("Ann").await.unwrap();
    let bo = accounts.sign_in_by_name("Bo").await.unwrap();
    assert_eq!(role(&services, &ann).await, Role::Admin);
    let refused = accounts.set_role(ann.id, Role::Guest).await;
    assert!(matches!(refused, Err(RoleError::LastAdmin)));
    accounts.set_role(bo.id, Role::Admin).await.unwrap();
    accounts.set_role(ann.id, Role::Guest).await.unwrap();
    assert_eq!(role(&services, &ann).await, Role::Guest);
}

#[tokio::test]
async fn rule_of_sign_in_decides_who_is_an_admin() {
    let services = Services::new();
    let admins = Admins::Group("admins".to_owned());
    let proxy = Proxy::new(["127.0.0.1/32".parse().unwrap()]).admins(admins);
    let accounts = accounts(&services, SignInMethod::Proxy(proxy));
    let ann = services.user("Ann").await;
    let refused = accounts.set_role(ann.id, Role::Admin).await;
    assert!(matches!(refused, Err(RoleError::DecidedAtSignIn)));
    accounts.set_role(ann.id, Role::Guest).await.unwrap();
    assert_eq!(role(&services, &ann).await, Role::Guest);
    let refused = accounts.sign_in_by_name("Bo").await;
    assert!(matches!(refused, Err(NameError::OtherMethod)));
}
