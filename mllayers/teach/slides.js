// One slide at a time; without this script all of them stand below each other.
const slides = [...document.querySelectorAll('.slide')];
const by = id => document.getElementById(id);
const root = document.documentElement, overview = by('overview'), said = by('said');
let now = 0, other = null;

function go(to, told = true) {
  now = Math.max(0, Math.min(slides.length - 1, to));
  slides.forEach((slide, n) => slide.classList.toggle('now', n === now));
  show(false);
  history.replaceState(null, '', '#' + (now + 1));
  reach();
  const title = slides[now].querySelector('h1, h2');
  title.focus({preventScroll: true});
  said.textContent = `Slide ${now + 1} of ${slides.length}`;
  by('back').disabled = now === 0;
  by('next').disabled = now === slides.length - 1;
  if (told) for (const view of [other, window.opener]) if (view && !view.closed) view.postMessage({slide: now}, '*');
}

function reach() {  // what is cut off on a small screen can be scrolled with the keyboard, too
  for (const part of slides[now].querySelectorAll('.face, .face table')) {
    const cut = part.scrollHeight > part.clientHeight + 1 || part.scrollWidth > part.clientWidth + 1;
    if (cut) part.tabIndex = 0; else part.removeAttribute('tabindex');
  }
}

function show(all) {
  overview.hidden = !all;
  by('all').setAttribute('aria-expanded', all);
  document.querySelector('main').inert = all;
  if (!all) return;
  overview.replaceChildren(...slides.map((slide, n) => {
    const item = document.createElement('li'), button = document.createElement('button');
    button.textContent = `${n + 1} ${slide.querySelector('h1, h2').textContent}`;
    const picture = slide.querySelector('.body img');
    if (picture) button.append(Object.assign(new Image(), {src: picture.src, alt: ''}));
    if (n === now) button.setAttribute('aria-current', 'true');
    button.onclick = () => go(n);
    item.append(button);
    return item;
  }));
  overview.querySelector('[aria-current]').focus();
}

function notes(on = !root.classList.contains('with-notes')) {
  root.classList.toggle('with-notes', on);
  by('note').setAttribute('aria-pressed', on);
  reach();
}

function second() {  // the notes on the teacher's screen, the slides on the wall: each follows the other
  other = window.open(location.pathname + '?notes#' + (now + 1), 'notes', 'width=1100,height=700');
}

function theme() {
  const dark = (root.dataset.theme || (matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light')) === 'dark';
  root.dataset.theme = dark ? 'light' : 'dark';
}

const keys = {
  ArrowRight: () => go(now + 1), ArrowDown: () => go(now + 1), PageDown: () => go(now + 1), ' ': () => go(now + 1),
  ArrowLeft: () => go(now - 1), ArrowUp: () => go(now - 1), PageUp: () => go(now - 1),
  Home: () => go(0), End: () => go(slides.length - 1),
  o: () => show(overview.hidden), Escape: () => show(false), n: () => notes(), p: second, d: theme,
};
addEventListener('keydown', event => {
  const onButton = event.target.matches('button'), inside = event.target.matches('.notes, .face, table');
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (onButton && event.key === ' ' || inside && /Arrow(Up|Down)|Page/.test(event.key)) return;
  if (!overview.hidden && !/^(o|Escape)$/.test(event.key)) return;
  const act = keys[event.key] || keys[event.key.toLowerCase()];
  if (act) { act(); event.preventDefault(); }
});
by('back').onclick = () => go(now - 1);
by('next').onclick = () => go(now + 1);
by('all').onclick = () => show(overview.hidden);
by('note').onclick = () => notes();
by('second').onclick = second;
by('dark').onclick = theme;
let from = null;
addEventListener('touchstart', event => { from = event.touches.length === 1 ? event.touches[0].clientX : null; });
addEventListener('touchend', event => {
  const far = from === null ? 0 : event.changedTouches[0].clientX - from;
  if (Math.abs(far) > 60 && overview.hidden) go(now + (far < 0 ? 1 : -1));
});
addEventListener('resize', reach);
addEventListener('hashchange', () => go((parseInt(location.hash.slice(1)) || 1) - 1));
addEventListener('message', event => {
  const mine = event.source && (event.source === other || event.source === window.opener);
  if (mine && Number.isInteger(event.data?.slide)) go(event.data.slide, false);
});
root.classList.add('js');
if (location.search === '?notes') notes(true);
go((parseInt(location.hash.slice(1)) || 1) - 1, false);
