// Walks the pages in Chromium: node walk.mjs PORT CACHE SHOTS
//
// Each test is a line `RESULT {"name", "good", "detail"}`; run_browser.py makes
// TAP of them. A page of a test that met a console error, a violation of the
// content security policy or a failed request fails that test.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const [port, cache, shots] = process.argv.slice(2);
const { chromium } = createRequire(join(cache, "package.json"))("playwright-core");
const axe = readFileSync(join(cache, "node_modules/axe-core/axe.min.js"), "utf8");
const base = `http://localhost:${port}`;
const slow = Number(process.env.ROWHOUSE_TEST_SLOW ?? 1);
const WIDTHS = [360, 1280];
const SCHEMES = ["light", "dark"];

const browser = await chromium.launch({
    executablePath: "/usr/bin/chromium",
    args: [
        "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
        "--disable-background-networking", "--disable-component-update", "--disable-sync",
    ],
});

function need(condition, ...details) {
    if (!condition) throw new Error(details.map(String).join("\n"));
}

const equal = (got, wanted, what = "") =>
    need(JSON.stringify(got) === JSON.stringify(wanted), `${what} got: ${JSON.stringify(got)}`,
        `wanted: ${JSON.stringify(wanted)}`);

// Tries until check() does not throw.
async function until(check, seconds = 10) {
    const end = Date.now() + seconds * 1000 * slow;
    for (;;) {
        try {
            return await check();
        } catch (error) {
            if (Date.now() > end) throw error;
            await new Promise((go) => setTimeout(go, 100));
        }
    }
}

// options: width, scheme, js, errors (true: console errors are expected)
async function test(name, options, body) {
    const context = await browser.newContext({
        viewport: { width: options.width ?? 1280, height: 900 },
        colorScheme: options.scheme ?? "light",
        javaScriptEnabled: options.js ?? true,
        reducedMotion: "reduce",
        locale: "en-GB",
        timezoneId: "Europe/Berlin",
    });
    context.setDefaultTimeout(10000 * slow);
    const trouble = [];
    context.on("page", (page) => {
        page.on("console", (message) => {
            if (message.type() === "error" || message.type() === "warning")
                trouble.push(`console: ${message.text()} (${page.url()})`);
        });
        page.on("pageerror", (error) => trouble.push(`script: ${error}`));
        page.on("requestfailed", (request) => {
            const why = request.failure()?.errorText;
            if (why !== "net::ERR_ABORTED") trouble.push(`request: ${request.url()} ${why}`);
        });
        page.on("response", (response) => {
            if (response.status() >= 500) trouble.push(`status ${response.status()}: ${response.url()}`);
        });
    });
    const result = { name, good: true };
    try {
        await body(await context.newPage(), context);
        if (!options.errors) need(trouble.length === 0, ...trouble);
    } catch (error) {
        result.good = false;
        result.detail = `${error?.stack ?? error}\n${trouble.join("\n")}`;
    }
    await context.close();
    console.log(`RESULT ${JSON.stringify(result)}`);
}

async function api(method, path, tenant, body) {
    const answer = await fetch(base + path, {
        method,
        headers: { "X-Tenant": tenant, ...(body ? { "Content-Type": "application/json" } : {}) },
        body: body ? JSON.stringify(body) : undefined,
    });
    const text = await answer.text();
    need(answer.ok, `${method} ${path}: ${answer.status} ${text}`);
    return text ? JSON.parse(text) : null;
}

const open = async (page, path) => {
    const response = await page.goto(base + path, { waitUntil: "load" });
    return response;
};
const itemNames = (page) => page.locator("[data-live=items] h3").allTextContents();
const row = (page, name) => page.locator("li.item", { hasText: name });

// ---- the walk, with and without JavaScript -----------------------------------

for (const js of [true, false]) {
    const how = js ? "with JavaScript" : "without JavaScript";
    const tenant = `walk-${js ? "js" : "plain"}`;
    await test(`${how}: create a tenant on /, add, edit, delete items by clicking`, { js }, async (page) => {
        await open(page, "/");
        await page.getByLabel("Name", { exact: true }).fill(tenant);
        await page.getByRole("button", { name: "Create tenant" }).click();
        await page.waitForURL(`${base}/tenant/${tenant}`);
        equal(await page.locator("h1").textContent(), tenant);
        for (const name of ["First", "Second <b>&amp;"]) {
            await page.getByLabel("Name", { exact: true }).fill(name);
            await page.getByLabel(/^Description/).fill(`About ${name}\nline two`);
            await page.getByRole("button", { name: "Add item" }).click();
            await until(async () => need((await itemNames(page)).includes(name), `no ${name}`));
        }
        equal(await itemNames(page), ["Second <b>&amp;", "First"]);
        equal(await page.getByLabel("Name", { exact: true }).inputValue(), "", "the form is empty again");
        await row(page, "First").getByRole("link", { name: /^Edit/ }).click();
        await page.getByLabel("Name", { exact: true }).fill("Renamed");
        await page.getByRole("button", { name: "Save changes" }).click();
        await until(async () => need((await itemNames(page)).includes("Renamed"), "not renamed"));
        await row(page, "Renamed").getByRole("link", { name: /^Delete/ }).click();
        await page.getByRole("button", { name: /^Delete/ }).click();
        await until(async () => equal(await itemNames(page), ["Second <b>&amp;"]));
        equal((await api("GET", "/api/items", tenant)).map((x) => x.name), ["Second <b>&amp;"]);
        await page.getByRole("link", { name: "All items" }).click();
        await page.waitForURL(/\/items/);
        need((await page.textContent("main")).includes("Second <b>&amp;"), "not on the page of all items");
        await page.getByRole("link", { name: "Tenants" }).click();
        await page.getByLabel("Name begins with").fill("walk-");
        await page.getByRole("button", { name: "Search" }).click();
        await page.getByRole("link", { name: tenant, exact: true }).click();
        await page.waitForURL(`${base}/tenant/${tenant}`);
    });
    await test(`${how}: a wrong field is marked, focused, and what was typed is kept`, { js, errors: true }, async (page) => {
        await open(page, `/tenant/${tenant}`);
        await page.getByLabel("Name", { exact: true }).fill("   ");
        await page.getByLabel(/^Description/).fill("  kept\ntext");
        await page.getByRole("button", { name: "Add item" }).click();
        const field = page.getByLabel("Name", { exact: true });
        await until(async () => equal(await field.getAttribute("aria-invalid"), "true"));
        equal(await page.getByLabel(/^Description/).inputValue(), "  kept\ntext");
        const about = await field.getAttribute("aria-describedby");
        need(((await page.locator(`#${about.split(" ")[0]}`).textContent()) ?? "").length > 5, "nothing says what is wrong");
    });
}

// ---- live ---------------------------------------------------------------------

await test("a second page shows what changes, without reloading, and keeps what is typed", {}, async (first, context) => {
    const second = await context.newPage();
    await open(first, "/tenant/live");
    await open(second, "/tenant/live");
    await second.evaluate(() => (window.notReloaded = true));
    await until(async () => need((await second.textContent("#live")).includes("Live"), "not live"));
    await second.getByLabel("Name", { exact: true }).fill("half typed");
    await first.getByLabel("Name", { exact: true }).fill("Shared");
    await first.getByRole("button", { name: "Add item" }).click();
    await until(async () => equal(await itemNames(second), ["Shared"]));
    equal(await second.getByLabel("Name", { exact: true }).inputValue(), "half typed");
    await until(async () => need((await second.textContent("[data-live=numbers]")).match(/Items\s*1\b/), "count"));
    await until(async () => need((await second.textContent("#announcements")).includes("Shared"), "announced"));
    const [item] = await api("GET", "/api/items", "live");
    await api("PATCH", `/api/items/${item.id}`, "live", { name: "Changed" });
    await until(async () => equal(await itemNames(second), ["Changed"]));
    await api("DELETE", `/api/items/${item.id}`, "live");
    await until(async () => equal(await itemNames(second), []));
    for (let i = 0; i < 30; i++) await api("POST", "/api/items", "live", { name: `burst ${i}` });
    await until(async () => equal((await itemNames(second))[0], "burst 29"));
    await until(async () => need((await second.textContent("[data-live=numbers]")).match(/Items\s*30\b/), "count"));
    equal(await second.evaluate(() => window.notReloaded), true, "the page was reloaded");
    equal(await second.getByLabel("Name", { exact: true }).inputValue(), "half typed");
});

await test("a page of another tenant does not move", {}, async (page) => {
    await open(page, "/tenant/still");
    await until(async () => need((await page.textContent("#live")).includes("Live"), "not live"));
    for (let i = 0; i < 5; i++) await api("POST", "/api/items", "live", { name: "SECRET" });
    await new Promise((go) => setTimeout(go, 1500));
    need(!(await page.content()).includes("SECRET"), "it shows another tenant's item");
});

// ---- keyboard -----------------------------------------------------------------

// Presses Tab until the focused element fits; every stop on the way must show its focus.
async function tabTo(page, what, fits) {
    for (let i = 0; i < 60; i++) {
        await page.keyboard.press("Tab");
        const at = await page.evaluate(() => {
            const e = document.activeElement;
            const s = getComputedStyle(e);
            const r = e.getBoundingClientRect();
            return {
                tag: e.tagName, id: e.id, text: (e.textContent || e.value || "").trim().slice(0, 60),
                seen: (s.outlineStyle !== "none" && parseFloat(s.outlineWidth) > 0) || s.boxShadow !== "none",
                onScreen: r.width > 0 && r.height > 0 && r.bottom > 0 && r.top < innerHeight,
            };
        });
        if (at.tag === "BODY") continue;
        need(at.seen, `the focus does not show on ${JSON.stringify(at)}`);
        need(at.onScreen, `the focus is not on the screen: ${JSON.stringify(at)}`);
        if (fits(at)) return;
    }
    throw new Error(`no way by Tab to ${what}`);
}

await test("keyboard only: create a tenant, add, edit, delete an item", {}, async (page) => {
    await open(page, "/");
    await page.keyboard.press("Tab");
    need((await page.evaluate(() => document.activeElement.textContent)).includes("Skip"), "the first stop is the skip link");
    await page.keyboard.press("Enter");
    await tabTo(page, "the name", (at) => at.id === "name");
    await page.keyboard.type("keys");
    await page.keyboard.press("Enter");
    await page.waitForURL(`${base}/tenant/keys`);
    await tabTo(page, "the name", (at) => at.id === "name");
    await page.keyboard.type("By keys");
    await page.keyboard.press("Tab");
    await page.keyboard.type("text");
    await tabTo(page, "the button", (at) => at.tag === "BUTTON" && at.text.includes("Add"));
    await page.keyboard.press("Enter");
    await until(async () => equal(await itemNames(page), ["By keys"]));
    await tabTo(page, "edit", (at) => at.tag === "A" && at.text.startsWith("Edit"));
    await page.keyboard.press("Enter");
    await page.waitForURL(/items\//);
    await tabTo(page, "the name", (at) => at.id === "name");
    await page.keyboard.press("End");
    await page.keyboard.type(" again");
    await page.keyboard.press("Enter");
    await until(async () => equal(await itemNames(page), ["By keys again"]));
    await tabTo(page, "delete", (at) => at.tag === "A" && at.text.startsWith("Delete"));
    await page.keyboard.press("Enter");
    await page.waitForURL(/delete/);
    await tabTo(page, "the button", (at) => at.tag === "BUTTON" && at.text.startsWith("Delete"));
    await page.keyboard.press("Space");
    await until(async () => equal(await itemNames(page), []));
});

// ---- posts from elsewhere -----------------------------------------------------

await test("a form on another site or a sibling subdomain cannot post", { errors: true }, async (page) => {
    const before = (await api("GET", "/api/items", "victim")).length;
    for (const origin of [`http://evil.localhost:${port}`, "http://evil.example"]) {
        await page.route(`${origin}/form`, (route) =>
            route.fulfill({
                contentType: "text/html",
                body: `<form method="post" action="${base}/tenant/victim"><input name="name" value="evil"><button>go</button></form>`,
            }));
        await page.goto(`${origin}/form`);
        const [response] = await Promise.all([
            page.waitForResponse((r) => r.url() === `${base}/tenant/victim`),
            page.getByRole("button").click(),
        ]);
        equal(response.status(), 403, origin);
    }
    equal((await api("GET", "/api/items", "victim")).length, before);
});

await test("hostile names run nothing", {}, async (page) => {
    const names = ["<img src=x onerror=\"window.pwned=1\">", "\"><script>window.pwned=1</script>", "</title><script>window.pwned=1</script>",
        "javascript:window.pwned=1", "{{constructor.constructor('window.pwned=1')()}}"];
    const made = [];
    for (const name of names) made.push(await api("POST", "/api/items", "hostile", { name, description: name }));
    for (const path of ["/tenant/hostile", "/tenant/hostile/items", ...made.map((x) => `/tenant/hostile/items/${x.id}`),
        ...made.map((x) => `/tenant/hostile/items/${x.id}/delete`)]) {
        await open(page, path);
        equal(await page.evaluate(() => window.pwned ?? null), null, path);
    }
    await open(page, "/tenant/hostile");
    await until(async () => need((await page.textContent("#live")).includes("Live"), "not live"));
    await api("POST", "/api/items", "hostile", { name: names[0] + "live", description: names[1] });
    await until(async () => need((await itemNames(page)).includes(names[0] + "live"), "not shown"));
    equal(await page.evaluate(() => window.pwned ?? null), null, "live");
});

// ---- every page, in each scheme and width: axe, width, picture ------------------

const long = "w".repeat(63);
for (const [tenant, n] of [["acme-corp", 137], ["globex", 12], [long, 3], ["initech", 40]]) {
    const items = Array.from({ length: n }, (_, i) => ({
        name: ["Project Alpha", "Quarterly report", "Onboarding checklist", "Data room", "Roadmap"][i % 5] + ` ${i + 1}`,
        description: i % 3 ? "Q1 2024 Initiative\nWith a second line." : null,
    }));
    await api("POST", "/api/items:batch", tenant, items);
}
await api("POST", "/api/items", "wide", { name: "n".repeat(500), description: "d".repeat(4000) });
await api("POST", "/api/items", "wide", { name: "😀".repeat(200), description: "שלום\nעולם ".repeat(50) });
const some = (await api("GET", "/api/items?limit=1", "acme-corp"))[0].id;
for (const one of (await api("GET", "/api/items?limit=9", "acme-corp")).slice(3)) {
    await api("PATCH", `/api/items/${one.id}`, "acme-corp", { description: "Changed since." });
}
const PAGES = [
    ["tenants", "/", 200], ["tenants-none", "/?q=zzzz", 200], ["dashboard", "/tenant/acme-corp", 200],
    ["dashboard-empty", "/tenant/empty", 200], ["dashboard-long", `/tenant/${long}`, 200],
    ["dashboard-wide", "/tenant/wide", 200], ["items", "/tenant/acme-corp/items", 200],
    ["items-none", "/tenant/empty/items", 200], ["item", `/tenant/acme-corp/items/${some}`, 200],
    ["item-delete", `/tenant/acme-corp/items/${some}/delete`, 200], ["error-404", "/nope", 404],
    ["error-tenant", "/tenant/-bad", 400], ["error-item", "/tenant/acme-corp/items/nope", 404],
    ["error-limit", "/tenant/acme-corp/items?limit=0", 400],
];
const WRONG = [["tenants-wrong", "/", "Create tenant", "-bad"], ["dashboard-wrong", "/tenant/empty", "Add item", "   "]];

async function inspect(page, name, width, scheme) {
    const wide = await page.evaluate(() => {
        const over = [...document.querySelectorAll("body *")]
            .filter((e) => e.getBoundingClientRect().right > innerWidth + 1 && getComputedStyle(e).position !== "absolute")
            .slice(0, 5).map((e) => `${e.tagName}.${e.className}`);
        return { scroll: document.documentElement.scrollWidth, inner: innerWidth, over };
    });
    await page.screenshot({ path: join(shots, `${name}-${scheme}-${width}.png`), fullPage: true });
    need(wide.scroll <= wide.inner, `it scrolls sideways: ${JSON.stringify(wide)}`);
    await page.evaluate(axe);
    const found = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
    need(found.violations.length === 0, ...found.violations.map((v) =>
        `axe ${v.id} (${v.impact}): ${v.help}\n${v.nodes.slice(0, 3).map((n) => `  ${n.html.slice(0, 200)}\n  ${n.failureSummary}`).join("\n")}`));
}

for (const scheme of SCHEMES) {
    for (const width of WIDTHS) {
        for (const [name, path, status] of PAGES)
            await test(`${name}, ${scheme}, ${width} px: axe finds nothing, no sideways scrolling`,
                { scheme, width, errors: status !== 200 }, async (page) => {
                    const response = await open(page, path);
                    equal(response.status(), status);
                    need((await page.title()).length > 5, "no title");
                    await inspect(page, name, width, scheme);
                });
        for (const [name, path, button, typed] of WRONG)
            await test(`${name}, ${scheme}, ${width} px: axe finds nothing, no sideways scrolling`,
                { scheme, width, errors: true }, async (page) => {
                    await open(page, path);
                    await page.getByLabel("Name", { exact: true }).fill(typed);
                    await page.getByRole("button", { name: button }).click();
                    await until(async () => equal(await page.getByLabel("Name", { exact: true }).getAttribute("aria-invalid"), "true"));
                    await inspect(page, name, width, scheme);
                });
    }
}

await test("at 320 px nothing is lost sideways", { width: 320 }, async (page) => {
    for (const path of ["/", "/tenant/acme-corp", "/tenant/acme-corp/items", `/tenant/acme-corp/items/${some}`]) {
        await open(page, path);
        const scroll = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
        need(scroll[0] <= scroll[1], `${path}: ${scroll}`);
    }
});

await browser.close();
console.log("END");
process.exit(0);
