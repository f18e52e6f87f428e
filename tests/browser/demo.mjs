// Starts the real `cargo glance demo` and a real browser, for the tests and for the screenshots.

import { spawn } from "node:child_process";
import { createHmac } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";

const START_TIMEOUT = 60_000;

export const REPOSITORY = "example/widgets";
export const PROJECT = "WID";

export function launch() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: [
      "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
      "--disable-background-networking", "--disable-component-update", "--disable-sync",
    ],
  });
}

/** Starts a demo and waits until it is ready; `data` and `port` may be those of an earlier one. */
export async function startDemo({ data, port = 0 } = {}) {
  const program = process.env.GLANCE_BIN;
  if (!program) throw new Error("Set GLANCE_BIN to the path of the built cargo-glance program.");
  data ??= await mkdtemp(join(tmpdir(), "glance-demo-"));
  const child = spawn(program, ["demo", "--data", data, "--port", String(port)], { stdio: ["ignore", "pipe", "pipe"] });
  const kill = () => child.kill("SIGKILL");
  process.once("exit", kill);
  const ended = once(child, "exit").finally(() => process.off("exit", kill));
  ended.catch(() => {});

  let printed = "";
  const said = (pattern) => printed.match(pattern)?.[1];
  await new Promise((resolve, reject) => {
    const fail = (why) => { kill(); reject(new Error(`The demo ${why}. It printed:\n${printed}`)); };
    const late = setTimeout(fail, START_TIMEOUT, `is not ready after ${START_TIMEOUT / 1000} s`);
    const early = (code, signal) => { clearTimeout(late); fail(`ended with ${signal ?? code}`); };
    child.once("exit", early);
    child.once("error", (cause) => { clearTimeout(late); fail(`cannot be started: ${cause.message}`); });
    const read = (text) => {
      printed += text;
      if (!/^Ctrl-C ends\.$/m.test(printed)) return;
      clearTimeout(late);
      child.off("exit", early);
      resolve();
    };
    child.stdout.setEncoding("utf8").on("data", read);
    child.stderr.setEncoding("utf8").on("data", read);
  });

  const hook = async (name) => {
    const [, address, file] = printed.match(new RegExp(`^Hook {4}(\\S+/hooks/${name}), (?:signed with the secret|with the bearer token) in (.+)$`, "m"));
    return { address, secret: (await readFile(file, "utf8")).trim() };
  };
  const github = await hook("github");
  const jira = await hook("jira");
  const alertmanager = await hook("alertmanager");
  const addOns = [...printed.matchAll(/^Add-on {2}(\S+) {2}\((\S+), process (\d+)\)$/gm)];
  return {
    data,
    url: said(/^Open {4}(\S+)$/m),
    addOn: said(/^Add-on {2}(\S+) {2}\(pull-requests, /m),
    addOnProcesses: addOns.map(([, , , id]) => Number(id)),
    printed: () => printed,

    /** Stops it as Ctrl-C does. Returns its exit code or signal. */
    async stop() {
      child.kill("SIGINT");
      const [code, signal] = await ended;
      return signal ?? code;
    },

    forget: () => rm(data, { recursive: true, force: true }),

    hooks: { github: github.address, jira: jira.address, alertmanager: alertmanager.address },

    /** Delivers a body as GitHub does. Returns the status. */
    deliver: (payload, signedWith = github.secret, event = "pull_request") =>
      deliver(github.address, payload, {
        "X-GitHub-Event": event, ...signed("X-Hub-Signature-256", payload, signedWith),
      }),

    /** Delivers an event about a repository as GitHub does. Returns the status. */
    deliverRepository(action, repository) {
      return this.deliver({ action, repository }, github.secret, "repository");
    },

    /** Delivers a body as Jira does. Returns the status. */
    deliverIssue: (payload, signedWith = jira.secret) =>
      deliver(jira.address, payload, signed("X-Hub-Signature", payload, signedWith)),

    /** Delivers a body as Alertmanager does. Returns the status. */
    deliverAlerts: (payload, secret = alertmanager.secret) =>
      deliver(alertmanager.address, payload, { Authorization: `Bearer ${secret}` }),
  };
}

async function deliver(address, payload, headers) {
  const answer = await fetch(address, {
    method: "POST",
    headers: { "Content-Type": "application/json", ...headers },
    body: JSON.stringify(payload),
  });
  return answer.status;
}

function signed(header, payload, secret) {
  return { [header]: `sha256=${createHmac("sha256", secret).update(JSON.stringify(payload)).digest("hex")}` };
}

/** An alert of the payments team in Alertmanager's format. */
export function alert(number, status, { summary = `Alert number ${number}` } = {}) {
  return {
    version: "4",
    receiver: "chat",
    alerts: [{
      status,
      labels: { alertname: `Alert${number}`, severity: "warning", team: "payments" },
      annotations: { summary },
      startsAt: "2026-01-02T03:04:05Z",
      endsAt: status === "firing" ? "0001-01-01T00:00:00Z" : new Date().toISOString(),
      generatorURL: "https://prometheus.example.com/graph",
      fingerprint: String(number),
    }],
  };
}

/** An event of a blocker in Jira's format. */
export function blocker(number, event, { summary = `Blocker number ${number}` } = {}) {
  return {
    timestamp: Date.now(),
    webhookEvent: `jira:issue_${event}`,
    issue: {
      id: String(number),
      key: `${PROJECT}-${number}`,
      self: `https://jira.example.com/rest/api/2/issue/${number}`,
      fields: {
        summary,
        project: { key: PROJECT },
        issuetype: { name: "Bug" },
        priority: { name: "Blocker" },
        status: { statusCategory: { key: "new" } },
        customfield_10020: [{ id: 7, state: "active", boardId: 1 }],
      },
    },
  };
}

/** The demo's repository has the first id. */
const repositoryId = (name) => name === REPOSITORY ? 1 : 2;

let latest = 0;

/** A time after all earlier ones: GitHub's times are whole seconds, and in a tie a closed pull request stays closed. */
function nextSecond() {
  latest = Math.max(Date.now(), latest + 1000);
  return new Date(latest).toISOString();
}

/** A `pull_request` event in GitHub's format. */
export function pullRequest(number, state, { repository = REPOSITORY, id = repositoryId(repository), days = 0, draft = false, title } = {}) {
  return {
    action: state === "open" ? "opened" : "closed",
    number,
    pull_request: {
      number,
      title: title ?? `Change number ${number}`,
      html_url: `https://github.com/${repository}/pull/${number}`,
      state,
      draft,
      created_at: new Date(Date.now() - days * 24 * 60 * 60 * 1000).toISOString(),
      updated_at: nextSecond(),
    },
    repository: { id, full_name: repository },
  };
}

/** Opens the review of a descriptor on the integrations page. */
export async function review(page, demo, descriptor) {
  await page.goto(`${demo.url}/integrations`);
  await page.getByLabel("URL of an add-on's descriptor").fill(descriptor);
  await page.getByRole("button", { name: "Review" }).click();
}

/** Installs an add-on as a person does: review, then approve. */
export async function install(page, demo, descriptor) {
  await review(page, demo, descriptor);
  await page.getByRole("button", { name: "Approve and install" }).click();
}

/** Removes an add-on if it is installed. */
export async function remove(page, demo, name) {
  await page.goto(`${demo.url}/integrations`);
  const article = page.getByRole("article").filter({ has: page.getByRole("heading", { name, exact: true }) });
  if (await article.count() === 0) return;
  await article.getByText("Remove…").click();
  await article.getByRole("button", { name: `Remove ${name}` }).click();
  await article.waitFor({ state: "detached" });
}
