/*
 * What pages gain with JavaScript; all of them work without.
 *
 * Times appear in the reader's own zone. A page with data-stream-url listens
 * to it; when something happened it fetches itself again and puts the parts
 * marked data-live in place, so the server stays the only one that knows how
 * anything looks.
 */
"use strict";

const GATHER_MS = 250; // waits for more before the page is fetched
const AT_MOST_EVERY_MS = 1000;

const WHAT_HAPPENED = {
    "item.created": "was added",
    "item.updated": "was changed",
    "item.deleted": "was deleted",
};

function localise(root) {
    const format = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "short" });
    for (const time of root.querySelectorAll("time")) {
        time.title = time.textContent;
        time.textContent = format.format(new Date(time.dateTime));
    }
}

const hasFocus = (node) => node.contains(document.activeElement);

// Makes the list `now` like `next`. What did not change, or has the focus,
// stays the element that it is.
function updateList(now, next) {
    const wanted = new Map(Array.from(next.children, (node) => [node.id, node]));
    const before = new Set();
    for (const node of Array.from(now.children)) {
        const fresh = wanted.get(node.id);
        before.add(node.id);
        if (fresh && (hasFocus(node) || sameItem(node, fresh))) wanted.set(node.id, node);
        else node.remove();
    }
    let place = now.firstElementChild;
    for (const [id, node] of wanted) {
        node.classList.toggle("fresh", !before.has(id));
        if (node === place) place = place.nextElementSibling;
        else now.insertBefore(node, place);
    }
}

function sameItem(node, fresh) {
    node.classList.remove("fresh");
    return node.innerHTML === fresh.innerHTML;
}

function updatePart(now, next) {
    const list = now.querySelector("ol");
    const nextList = next.querySelector("ol");
    if (list && nextList) return updateList(list, nextList);
    if (hasFocus(now) || now.isEqualNode(next)) return;
    const open = now.querySelector("details[open]");
    now.replaceWith(next);
    if (open) next.querySelector("details")?.setAttribute("open", "");
}

async function refresh() {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
    if (!answer.ok) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    localise(page);
    for (const now of document.querySelectorAll("[data-live]")) {
        const next = page.querySelector(`[data-live="${now.dataset.live}"]`);
        if (next) updatePart(now, next);
    }
}

function announce(changes) {
    document.getElementById("announcements").textContent =
        changes.length === 1
            ? `${changes[0].name} ${changes[0].what}.`
            : `${changes.length} items were added, changed or deleted.`;
}

// Gathers changes and shows them together, not more often than once a second.
class Gatherer {
    changes = [];
    timer = 0;
    last = 0;

    add(change) {
        if (change) this.changes.push(change);
        if (this.timer) return;
        const wait = Math.max(GATHER_MS, this.last + AT_MOST_EVERY_MS - Date.now());
        this.timer = setTimeout(() => this.show(), wait);
    }

    async show() {
        const shown = this.changes;
        this.changes = [];
        this.timer = 0;
        this.last = Date.now();
        await refresh();
        if (shown.length) announce(shown);
    }
}

function listen(url) {
    const status = document.getElementById("live");
    const gatherer = new Gatherer();
    const stream = new EventSource(url);
    let lost = false;

    const say = (on) => {
        status.hidden = false;
        status.classList.toggle("on", on);
        status.textContent = on ? "Live" : "Reconnecting";
    };
    stream.addEventListener("open", () => {
        say(true);
        if (lost) gatherer.add(null); // what the stream did not hold any more
        lost = false;
    });
    stream.addEventListener("error", () => {
        say(false);
        lost = true;
    });
    for (const [type, what] of Object.entries(WHAT_HAPPENED))
        stream.addEventListener(type, (event) =>
            gatherer.add({ what, name: JSON.parse(event.data).name }),
        );
}

localise(document);
const source = document.querySelector("[data-stream-url]");
if (source) listen(source.dataset.streamUrl);
