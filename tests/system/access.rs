//! Tests which rooms a person may enter, and what they may change there.

use glance_host::Host;
use glance_host::model::Room;
use glance_host::sign_in::SignIn;
use glance_sdk::AddOn;
use glance_sdk::model::Scope;
use reqwest::{Method, StatusCode};

use crate::browser::Browser;
use crate::rest::{self, Rest};

/// A host on which Ann is the admin, Bo and Cy are members, and Gus is a guest.
struct Team {
    host: Host,
    ann: Browser,
    bo: Browser,
    cy: Browser,
    gus: Browser,
}

impl Team {
    async fn start() -> Self {
        let host = Host::builder().port(0).sign_in(SignIn::Name);
        let host = host.start().await.unwrap();
        let mut team = Self {
            ann: Browser::signed_in(&host, "Ann").await,
            bo: Browser::signed_in(&host, "Bo").await,
            cy: Browser::signed_in(&host, "Cy").await,
            gus: Browser::signed_in(&host, "Gus").await,
            host,
        };
        let role = team.path("Gus", "role").await;
        team.ann.submits(&role, &[("role", "guest")]).await;
        team
    }

    /// Returns the URL at which the admin changes a person.
    async fn path(&self, name: &str, what: &str) -> String {
        format!("/people/{}/{what}", self.id(name).await)
    }

    async fn id(&self, name: &str) -> String {
        let user = self.host.state().find_user(name).await.unwrap();
        user.unwrap().id.to_string()
    }

    async fn role(&mut self, name: &str, role: &str) {
        let path = self.path(name, "role").await;
        self.ann.submits(&path, &[("role", role)]).await;
    }

    /// Creates a room that Bo owns.
    async fn room(&mut self, name: &str, privacy: &str) -> Room {
        let form = [("name", name), ("privacy", privacy)];
        self.bo.submits("/rooms", &form).await;
        let rooms = self.host.state().rooms().await.unwrap();
        rooms.into_iter().find(|room| room.name == name).unwrap()
    }

    /// Returns the initials of the people who may enter a room.
    async fn inside(&self, room: &Room) -> String {
        let mut inside = String::new();
        for (initial, browser) in [
            ('a', &self.ann),
            ('b', &self.bo),
            ('c', &self.cy),
            ('g', &self.gus),
        ] {
            let page = format!("/rooms/{}", room.id);
            let status = browser.status(&page).await;
            let events = browser.request(Method::GET, &format!("{page}/events"));
            let listed = browser
                .text("/")
                .await
                .contains(&format!("href=\"{page}\""));
            assert_eq!(events.send().await.unwrap().status(), status, "{initial}");
            assert_eq!(
                browser.status(&format!("{page}/integrations")).await,
                status
            );
            assert_eq!(listed, status == StatusCode::OK, "{initial}");
            match status {
                StatusCode::OK => inside.push(initial),
                other => assert_eq!(other, StatusCode::NOT_FOUND, "{initial}"),
            }
        }
        inside
    }
}

#[tokio::test]
async fn rooms_admit_allowed_people_only() {
    let mut team = Team::start().await;
    let (public, private) = (
        team.room("public", "public").await,
        team.room("private", "private").await,
    );
    assert_eq!(team.inside(&public).await, "abc");
    assert_eq!(team.inside(&private).await, "ab", "its owner and the admin");
    let (cy, gus) = (team.id("Cy").await, team.id("Gus").await);
    for (room, user) in [(&private, &cy), (&private, &gus), (&public, &gus)] {
        let path = format!("/rooms/{}/members", room.id);
        team.bo.submits(&path, &[("user", user)]).await;
    }
    assert_eq!(team.inside(&public).await, "abcg");
    assert_eq!(team.inside(&private).await, "abcg");
    for user in [&cy, &gus] {
        let path = format!("/rooms/{}/members/remove", private.id);
        team.bo.submits(&path, &[("user", user)]).await;
    }
    assert_eq!(team.inside(&private).await, "ab");

    // A forbidden room gets exactly the response of a missing room.
    let strange = team.cy.open(&format!("/rooms/{}", private.id)).await;
    let nowhere = team.cy.open("/rooms/99").await;
    assert_eq!(strange.status(), nowhere.status());
    assert_eq!(strange.text().await.unwrap(), nowhere.text().await.unwrap());
    assert_eq!(
        team.gus
            .submit("/rooms", &[("name", "mine")])
            .await
            .status(),
        StatusCode::FORBIDDEN,
        "guests make no rooms"
    );
}

#[tokio::test]
async fn owner_and_admins_manage_rooms_and_integrations() {
    let mut team = Team::start().await;
    let room = team.room("ops", "public").await;
    let page = |path: &str| format!("/rooms/{}/{path}", room.id);
    for path in [
        "settings",
        "archived",
        "remove",
        "members",
        "members/remove",
        "integrations",
        "integrations/approve",
        "integrations/1/update",
        "integrations/1/remove",
    ] {
        let form = [
            ("archived", "true"),
            ("name", "x"),
            ("url", "https://add-on.example"),
            ("digest", "x"),
        ];
        let refused = team.cy.submit(&page(path), &form).await;
        assert_eq!(refused.status(), StatusCode::FORBIDDEN, "{path}");
        let hidden = team.gus.submit(&page(path), &[]).await;
        assert_eq!(hidden.status(), StatusCode::NOT_FOUND, "{path}");
    }
    assert_eq!(
        team.cy.status(&page("settings")).await,
        StatusCode::FORBIDDEN
    );
    assert!(
        !team
            .cy
            .text(&format!("/rooms/{}", room.id))
            .await
            .contains("Settings")
    );
    for topic in ["by its owner", "by an admin"] {
        let form = [("name", "ops"), ("privacy", "public"), ("topic", topic)];
        let by = if topic == "by its owner" {
            &mut team.bo
        } else {
            &mut team.ann
        };
        by.submits(&page("settings"), &form).await;
        assert!(team.cy.text("/").await.contains(topic));
    }
    for path in ["/people/1/role", "/people/1/removed"] {
        let form = [("role", "guest"), ("removed", "true")];
        assert_eq!(
            team.bo.submit(path, &form).await.status(),
            StatusCode::FORBIDDEN
        );
    }
}

#[tokio::test]
async fn losing_access_closes_open_pages() {
    let mut team = Team::start().await;
    let (public, private) = (
        team.room("public", "public").await,
        team.room("private", "private").await,
    );
    let cy = team.id("Cy").await;
    let let_in = format!("/rooms/{}/members", private.id);
    let take_out = format!("{let_in}/remove");
    let listen = async |browser: &Browser, room: &Room| {
        let path = format!("/rooms/{}/events", room.id);
        let mut events = browser.request(Method::GET, &path).send().await.unwrap();
        assert!(events.chunk().await.unwrap().is_some());
        events
    };
    let mut ended = Vec::new();

    team.bo.submits(&let_in, &[("user", &cy)]).await;
    ended.push(listen(&team.cy, &private).await);
    team.bo.submits(&take_out, &[("user", &cy)]).await;
    ended.push(listen(&team.cy, &public).await);
    team.role("Cy", "guest").await;
    team.role("Cy", "admin").await;
    ended.push(listen(&team.cy, &private).await);
    team.role("Cy", "member").await;
    ended.push(listen(&team.cy, &public).await);
    let form = [("name", "public"), ("privacy", "private")];
    team.bo
        .submits(&format!("/rooms/{}/settings", public.id), &form)
        .await;
    let form = [("name", "public"), ("privacy", "public")];
    team.bo
        .submits(&format!("/rooms/{}/settings", public.id), &form)
        .await;
    ended.push(listen(&team.cy, &public).await);
    let removed = team.path("Cy", "removed").await;
    team.ann.submits(&removed, &[("removed", "true")]).await;
    ended.push(listen(&team.bo, &public).await);
    team.bo
        .submits(&format!("/rooms/{}/remove", public.id), &[])
        .await;
    for mut events in ended {
        while events.chunk().await.unwrap().is_some() {}
    }

    // A removed person stays locked out everywhere until an admin restores them.
    assert_eq!(team.cy.status("/").await, StatusCode::SEE_OTHER);
    let again = team.cy.submit("/sign-in", &[("name", "Cy")]).await;
    assert_eq!(again.status(), StatusCode::FORBIDDEN);
    assert!(again.text().await.unwrap().contains("An admin removed Cy"));
    assert!(
        !Browser::of(&team.host)
            .text("/sign-in")
            .await
            .contains("Cy")
    );
    team.ann.submits(&removed, &[("removed", "false")]).await;
    assert_eq!(
        team.cy.status("/").await,
        StatusCode::SEE_OTHER,
        "their session is gone"
    );
    Browser::signed_in(&team.host, "Cy").await;
}

#[tokio::test]
async fn last_admin_stays() {
    let mut team = Team::start().await;
    let (role, removed) = (
        team.path("Ann", "role").await,
        team.path("Ann", "removed").await,
    );
    for (path, form) in [
        (&role, [("role", "member")]),
        (&role, [("role", "guest")]),
        (&removed, [("removed", "true")]),
    ] {
        let refused = team.ann.submit(path, &form).await;
        assert_eq!(refused.status(), StatusCode::CONFLICT);
        assert!(refused.text().await.unwrap().contains("the last admin"));
    }
    team.role("Bo", "admin").await;
    team.ann.submits(&role, &[("role", "member")]).await;
    assert_eq!(
        team.ann.status("/people").await,
        StatusCode::FORBIDDEN,
        "at once"
    );
    assert_eq!(team.bo.status("/people").await, StatusCode::OK);
    let odd = team.bo.submit(&role, &[("role", "king")]).await;
    assert_eq!(odd.status(), StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn concurrent_demotions_leave_one_admin() {
    let mut team = Team::start().await;
    let paths = (
        team.path("Ann", "role").await,
        team.path("Bo", "role").await,
    );
    for _ in 0..10 {
        let state = team.host.state();
        let admins = state.users().await.unwrap().into_iter().map(|mut user| {
            user.is_admin = ["Ann", "Bo"].contains(&&*user.name);
            async move { state.update_user(&user).await.unwrap() }
        });
        futures_util::future::join_all(admins).await;
        let form = [("role", "member")];
        let (bo, ann) = tokio::join!(
            team.ann.submit(&paths.1, &form),
            team.bo.submit(&paths.0, &form)
        );
        let made = [bo, ann].map(|answer| answer.status() == StatusCode::SEE_OTHER);
        assert_eq!(made.iter().filter(|made| **made).count(), 1);
        assert!(state.first_admin().await.unwrap().is_some());
    }
}

#[tokio::test]
async fn api_shows_guests_and_removed_people() {
    let mut team = Team::start().await;
    let room = team.host.room("ops").await;
    assert_eq!(
        room.room.owner.to_string(),
        team.id("Ann").await,
        "the first admin"
    );
    let add_on = AddOn::new("com.example.rooms", "Rooms");
    let add_on = add_on.scopes([Scope::ViewGroup, Scope::AdminRoom]);
    let add_on = team.host.install_everywhere(add_on).await;
    let rest = Rest::of(&team.host, &add_on);
    let token = rest.token("").await;
    let member = async |method, user: &str| {
        let path = format!("room/ops/member/{user}");
        rest::status(rest.call(&token, method, &path)).await
    };
    assert_eq!(member(Method::PUT, "Cy").await, StatusCode::BAD_REQUEST);
    assert_eq!(member(Method::PUT, "Gus").await, StatusCode::NO_CONTENT);
    assert_eq!(team.inside(&room.room).await, "abcg");
    assert_eq!(member(Method::DELETE, "Gus").await, StatusCode::NO_CONTENT);
    assert_eq!(team.inside(&room.room).await, "abc");

    let removed = team.path("Cy", "removed").await;
    team.ann.submits(&removed, &[("removed", "true")]).await;
    let (_, page) = rest::json(rest.call(&token, Method::GET, "user")).await;
    let names = page["items"].as_array().unwrap().iter();
    let names: Vec<_> = names.map(|user| user["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["Ann", "Bo"]);
    let cy = format!("user/{}", team.id("Cy").await);
    let (_, user) = rest::json(rest.call(&token, Method::GET, &cy)).await;
    assert_eq!(user["is_deleted"], true);
}
