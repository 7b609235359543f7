// What a page does in the browser: the live state, the dialogs and the keys. No build step: this file is what runs.

/** @param {string} selector @param {ParentNode} [within] */
const find = (selector, within = document) => /** @type {HTMLElement | null} */ (within.querySelector(selector));

/** @param {string} selector @param {ParentNode} [within] */
const findAll = (selector, within = document) => /** @type {HTMLElement[]} */ ([...within.querySelectorAll(selector)]);

/** Remembers a choice; where nothing may be stored, for this page only. */
const choices = {
  /** @param {string} name */
  get(name) {
    try {
      return localStorage.getItem(name);
    } catch {
      return null;
    }
  },
  /** @param {string} name @param {string} value */
  set(name, value) {
    try {
      localStorage.setItem(name, value);
    } catch {
      // The page works without.
    }
  },
};

// Before anything is drawn: this script stands in the head.
document.documentElement.dataset.type = choices.get('type') ?? 'normal';
document.documentElement.dataset.script = 'on';

document.addEventListener('DOMContentLoaded', () => {
  const { lesson, lastId } = document.body.dataset;
  prepare(document.body);
  typeSwitch();
  dialogs(lesson);
  keys();
  if (lesson) mirrorStates();
  if (lastId) followEvents(lesson, lastId);
  addEventListener('resize', () => letScroll(document.body));
});

/** Makes ready what has come into the page: buttons that copy, and areas that scroll. @param {HTMLElement} within */
function prepare(within) {
  for (const code of findAll('[data-copy], pre[data-language="sh"] code', within)) {
    const button = document.createElement('button');
    button.type = 'button';
    button.className = 'small copy';
    button.textContent = 'copy';
    copies(button, () => code.textContent ?? '');
    (code.closest('pre') ?? code).after(button);
  }
  for (const button of findAll('button[data-text]', within)) copies(button, () => button.dataset.text ?? '');
  letScroll(within);
}

/** A click puts the text on the clipboard, and the button says so for a while. @param {HTMLElement} button @param {() => string} text */
function copies(button, text) {
  const label = button.textContent;
  button.addEventListener('click', async () => {
    await navigator.clipboard.writeText(text());
    button.textContent = 'copied';
    setTimeout(() => (button.textContent = label), 1500);
  });
}

/** What is wider than its place can be scrolled with the keyboard. @param {HTMLElement} within */
function letScroll(within) {
  for (const area of findAll('pre, .table', within)) {
    if (area.scrollWidth > area.clientWidth) area.tabIndex = 0;
    else area.removeAttribute('tabindex');
  }
}

function typeSwitch() {
  const root = document.documentElement;
  const button = find('#larger');
  const show = () => button?.setAttribute('aria-pressed', String(root.dataset.type === 'larger'));
  show();
  button?.addEventListener('click', () => {
    root.dataset.type = root.dataset.type === 'larger' ? 'normal' : 'larger';
    choices.set('type', root.dataset.type);
    show();
    letScroll(document.body);
  });
}

/** @param {string} id */
const dialog = (id) => /** @type {HTMLDialogElement | null} */ (document.getElementById(id));

/** @param {string | undefined} lesson */
function dialogs(lesson) {
  find('#show-keys')?.addEventListener('click', () => dialog('keys')?.showModal());
  document.addEventListener('click', (event) => {
    const target = /** @type {Element} */ (event.target);
    if (target instanceof HTMLDialogElement) return target.close(); // the backdrop
    const control = /** @type {HTMLElement | null} */ (
      target.closest('[data-close], [data-ask], [data-post], a[data-sheet]')
    );
    if (!control) return;
    if ('close' in control.dataset) return control.closest('dialog')?.close();
    if (control.dataset.ask) return dialog(control.dataset.ask)?.showModal();
    if (control.dataset.post) return void post(lesson, control);
    // Hints, changes and solutions are pages of their own; beside the lesson they open over it.
    const opensElsewhere = event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0;
    if (!lesson || opensElsewhere || !find('#tasks')) return;
    event.preventDefault();
    void openSheet(/** @type {HTMLAnchorElement} */ (control).href);
  });
}

/** @param {string} address */
async function openSheet(address) {
  const sheet = dialog('sheet');
  const content = find('#sheet-content');
  if (!sheet || !content) return;
  try {
    const response = await fetch(address);
    const page = new DOMParser().parseFromString(await response.text(), 'text/html');
    const main = /** @type {HTMLElement} */ (find('main', page));
    content.replaceChildren(...main.childNodes);
    sheet.setAttribute('aria-label', page.title);
    if (!sheet.open) sheet.showModal();
    sheet.scrollTop = 0;
    prepare(content);
    find('summary, a, button', content)?.focus();
  } catch {
    location.assign(address);
  }
}

/** Asks the reader for what changes something. @param {string | undefined} lesson @param {HTMLElement} control */
async function post(lesson, control) {
  const { post: action, seed } = control.dataset;
  control.closest('dialog')?.close();
  const done = busy(find(`[data-action="${action}"]`));
  try {
    const response = await fetch(`/lessons/${lesson}/${action}`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(seed ? { seed: Number(seed) } : {}),
    });
    const { error, notice: told } = await response.json();
    if (error) notice(error);
    else if (told) notice(told.text, told.command);
  } catch {
    notice('The reader does not answer. Is npm start still running?');
  } finally {
    done();
  }
}

/** Lets a button say that its action is on its way; returns what ends that. @param {HTMLElement | null} button */
function busy(button) {
  if (!button || button.ariaBusy === 'true') return () => {};
  const label = button.textContent;
  button.ariaBusy = 'true';
  button.textContent = button.dataset.busy ?? label;
  return () => {
    button.ariaBusy = null;
    button.textContent = label;
  };
}

/** @param {string} text @param {string} [command] */
function notice(text, command) {
  const place = find('#notice');
  if (!place) return;
  const paragraph = document.createElement('p');
  paragraph.textContent = text;
  place.replaceChildren(paragraph);
  if (command) {
    const code = document.createElement('code');
    code.className = 'command';
    code.dataset.copy = '';
    code.textContent = command;
    place.append(code);
    prepare(place);
  }
  const close = document.createElement('button');
  close.type = 'button';
  close.className = 'quiet close';
  close.textContent = '✕';
  close.setAttribute('aria-label', 'Close');
  close.addEventListener('click', () => (place.hidden = true));
  place.append(close);
  place.hidden = false;
  say(text);
}

/** Tells those who do not see it. @param {string} text */
function say(text) {
  const status = find('#status');
  if (status) status.textContent = text;
}

function keys() {
  const on = /** @type {HTMLInputElement | null} */ (find('#keys-on'));
  if (on) {
    on.checked = choices.get('keys') !== 'off';
    on.addEventListener('change', () => choices.set('keys', on.checked ? 'on' : 'off'));
  }
  document.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (/** @type {Element} */ (event.target).closest('input, textarea, select')) return;
    if (event.key === '?') return dialog('keys')?.showModal();
    if (choices.get('keys') === 'off' || find('dialog[open]')) return;
    if (event.key === 'v') return void goToVerdict(event);
    const control =
      findAll(`[data-key="${CSS.escape(event.key)}"]`)[0] ?? (event.key === 'e' ? find('[data-open]') : null);
    if (!control) return;
    event.preventDefault();
    control.click();
  });
}

/** @param {Event} event */
function goToVerdict(event) {
  const panel = find('#tasks');
  if (!panel) return;
  event.preventDefault();
  const verdict = find('.verdict', panel) ?? panel;
  verdict.tabIndex = -1;
  verdict.focus({ preventScroll: true });
  verdict.scrollIntoView();
}

/** The requirements in the text, and the bar on small screens, say what the panel says. */
function mirrorStates() {
  const live = find('#live');
  if (!live) return;
  for (const item of findAll('[data-key][data-state]', live)) {
    const inText = find(`main [data-requirement="${item.dataset.key}"]`);
    if (inText) inText.dataset.state = item.dataset.state;
  }
  const bar = find('.bar a');
  if (bar) bar.dataset.state = live.dataset.state;
  const text = find('#bar-text');
  if (text) text.textContent = find('.summary strong', live)?.textContent ?? '';
}

/** @param {Element} item @param {string} state */
function setState(item, state) {
  /** @type {HTMLElement} */ (item).dataset.state = state;
  // The panel brings the words for its states.
  const words = JSON.parse(find('#live')?.dataset.words ?? '{}');
  find('.mark', item)?.setAttribute('aria-label', words[state]);
}

/** Puts markup from the reader in place of an element; who stood on something in it stands there again. @param {string} id @param {string} markup */
function replace(id, markup) {
  const old = document.getElementById(id);
  if (!old) return;
  const focused = old.contains(document.activeElement) ? placeOf(document.activeElement, old) : undefined;
  const page = new DOMParser().parseFromString(markup, 'text/html');
  const fresh = /** @type {HTMLElement} */ (page.body.firstElementChild);
  old.replaceWith(fresh);
  prepare(fresh);
  if (focused) (find(focused, fresh) ?? find('#tasks'))?.focus({ preventScroll: true });
}

/** @param {Element | null} element @param {Element} within */
function placeOf(element, within) {
  const path = [];
  for (let each = element; each && each !== within; each = each.parentElement) {
    path.unshift(`:nth-child(${[...(each.parentElement?.children ?? [])].indexOf(each) + 1})`);
  }
  return `:scope > ${path.join(' > ')}`;
}

/**
 * Follows what happens, from the event that the page already has in it. A hidden page lets go of its connection (a browser
 * has only six for one server), and gets what it missed when it is seen again; so does a page after a break.
 * @param {string | undefined} lesson
 * @param {string} lastId
 */
function followEvents(lesson, lastId) {
  /** @type {EventSource | undefined} */
  let source;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let retry;

  const connection = find('#connection');
  const connect = () => {
    clearTimeout(retry);
    source?.close();
    source = new EventSource(`/events?after=${encodeURIComponent(lastId)}`);
    source.addEventListener('open', () => {
      if (connection) connection.hidden = true;
      document.documentElement.dataset.live = 'on';
    });
    source.addEventListener('error', () => {
      document.documentElement.dataset.live = 'off';
      if (connection) connection.hidden = false;
      // After some errors the browser tries again by itself, after others it does not.
      if (source?.readyState === EventSource.CLOSED) retry = setTimeout(connect, 1000);
    });
    source.addEventListener('stale', () => location.reload());
    for (const [type, act] of Object.entries(acts)) {
      source.addEventListener(type, (event) => {
        lastId = event.lastEventId;
        act(JSON.parse(event.data));
      });
    }
  };
  const disconnect = () => {
    clearTimeout(retry);
    source?.close();
    document.documentElement.dataset.live = 'off';
  };

  /** @type {Record<string, (data: any) => void>} */
  const acts = {
    run(data) {
      if (data.lesson !== lesson) return;
      const live = find('#live');
      if (!live) return;
      setState(live, 'running');
      for (const item of findAll('.task, [data-key]', live)) setState(item, 'running');
      const summary = find('.summary strong', live);
      if (summary) summary.textContent = live.dataset.running ?? '';
      mirrorStates();
    },
    requirement(data) {
      if (data.lesson !== lesson) return;
      const item = find(`#live [data-key="${data.key}"]`);
      if (!item) return;
      setState(item, data.state);
      const task = item.closest('.task');
      const all = task ? findAll('[data-key]', task) : [];
      const passed = all.filter((each) => each.dataset.state === 'passed').length;
      const count = task && find('.count', task);
      if (count) count.textContent = `${passed} of ${all.length}`;
      if (task && data.state !== 'waiting')
        setState(task, data.state === 'failed' ? 'failed' : passed === all.length ? 'passed' : 'running');
      mirrorStates();
    },
    panel(data) {
      if (data.lesson !== lesson) return;
      replace('live', data.panel);
      mirrorStates();
    },
    course(data) {
      replace('course', data.course);
    },
    verdict(data) {
      if (data.lesson === lesson) {
        replace('live', data.panel);
        mirrorStates();
        say(`${data.name}: ${find('.summary strong')?.textContent}. ${data.cause}`);
        showVerdict();
      } else if (lesson) {
        say(`${data.name} was graded.`);
      }
    },
  };

  document.addEventListener('visibilitychange', () =>
    document.visibilityState === 'hidden' ? disconnect() : connect(),
  );
  addEventListener('pagehide', disconnect);
  addEventListener('pageshow', (event) => event.persisted && connect());
  addEventListener('online', connect);
  connect();
}

/** Where the panel scrolls by itself, it shows all of the verdict, or its beginning; the page is left where it is read. */
function showVerdict() {
  const panel = find('#tasks');
  if (!panel || panel.scrollHeight <= panel.clientHeight) return;
  const item = find('li[data-state="failed"][data-key]', panel);
  const end = item ? item.offsetTop + item.offsetHeight - panel.clientHeight : 0;
  panel.scrollTop = item ? Math.min(end, item.offsetTop - 80) : 0;
}
