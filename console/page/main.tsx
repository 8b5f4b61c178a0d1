/** The operator's page: where one is, what is known of the stage at a glance, and the view that was chosen. */
import { computed, effect, signal } from '@preact/signals';
import { type ComponentType, render } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import type { StatusShown } from '../wire/shapes.ts';
import { tradingVerdict, type ViewName } from '../wire/trading-verdict.ts';
import { age, clock, utc, zone } from './format.ts';
import { follow, restWhenHidden, takeToken } from './link.ts';
import { Faults, wordOf } from './parts/faults.tsx';
import { State } from './parts/words.tsx';
import { nextTheme, startTheme, theme } from './theme.ts';
import { headOf, hello, link, notices, nowMs, say, staleOf, tick } from './topics.ts';
import { Alerts } from './views/alerts.tsx';
import { Audit } from './views/audit.tsx';
import { Backups } from './views/backups.tsx';
import { ChartView, chosenContract } from './views/chart.tsx';
import { FlagsView } from './views/flags.tsx';
import { Orders } from './views/orders.tsx';
import { Overview } from './views/overview.tsx';
import { PlanView } from './views/plan.tsx';
import { Positions } from './views/positions.tsx';
import { ReconcileView } from './views/reconcile.tsx';

interface View {
  readonly title: string;
  readonly topics: () => readonly string[];
  readonly draw: ComponentType;
}

const views: Readonly<Record<ViewName, View>> = {
  overview: { title: 'Overview', topics: () => ['run', 'alerts', 'exposure'], draw: Overview },
  chart: {
    title: 'Chart',
    topics: () => {
      const conId = chosenContract();
      return conId === null ? ['market'] : ['market', `candles:${conId}`];
    },
    draw: ChartView,
  },
  orders: { title: 'Orders and fills', topics: () => ['orders', 'fills'], draw: Orders },
  positions: {
    title: 'Positions',
    topics: () => ['positions', 'balances', 'broker', 'exposure'],
    draw: Positions,
  },
  plan: { title: 'Plan', topics: () => ['plan'], draw: PlanView },
  reconcile: { title: 'Reconcile', topics: () => ['runs'], draw: ReconcileView },
  audit: { title: 'Audit trail', topics: () => ['audit'], draw: Audit },
  backups: { title: 'Backups', topics: () => ['backups'], draw: Backups },
  alerts: { title: 'Alerts', topics: () => ['alerts', 'run'], draw: Alerts },
  flags: { title: 'Flags', topics: () => [], draw: FlagsView },
};

const names = Object.keys(views) as readonly ViewName[];
const current = signal<ViewName>('overview');
/** What the page follows: the status for its head, and what the view shows. */
const shown = computed(() => [...new Set(['status', ...views[current.value].topics()])]);

function readPlace(): void {
  const name = location.hash.replace(/^#\//, '');
  current.value = names.find((each) => each === name) ?? 'overview';
}

function Page() {
  const { title, draw: View } = views[current.value];
  const heading = useRef<HTMLHeadingElement>(null);
  const isFirst = useRef(true);
  useEffect(() => {
    document.title = `${title} · Evenkeel ${hello.value?.stage ?? ''}`;
    // A screen reader begins at the new view; the first one it reads from the top.
    if (!isFirst.current) heading.current?.focus();
    isFirst.current = false;
    scrollTo(0, 0);
    // On a narrow screen the views are a row that scrolls.
    const [row, link] = ['nav', 'nav [aria-current]'].map((name) =>
      document.querySelector<HTMLElement>(name),
    );
    if (row && link) row.scrollLeft = link.offsetLeft - (row.clientWidth - link.offsetWidth) / 2;
  }, [title]);
  if (link.value === 'denied') return <Denied />;
  return (
    <>
      <button type="button" class="skip" onClick={() => document.getElementById('main')?.focus()}>
        Skip to the view
      </button>
      <Top />
      <div class="frame">
        <Navigation />
        <main id="main" tabIndex={-1}>
          <h1 ref={heading} tabIndex={-1}>
            {title}
          </h1>
          <Faults topics={shown.value} />
          <View />
        </main>
      </div>
      <Notices />
    </>
  );
}

const linkWords = {
  connecting: ['calm', 'connecting'],
  live: ['good', 'live'],
  lost: ['bad', 'lost, trying again'],
  resting: ['calm', 'resting'],
  denied: ['bad', 'not admitted'],
} as const;

function Top() {
  const about = hello.value;
  const status = headOf<StatusShown>('status');
  const verdict = status && tradingVerdict(status);
  return (
    <header class="top">
      <p class="brand">Evenkeel</p>
      {about === undefined ? null : (
        <p class="place">
          <span class={`stage ${about.stage}`}>{about.stage}</span> {about.account}
        </p>
      )}
      {verdict === undefined ? null : (
        <a class="top-verdict" href="#/overview">
          <State tone={({ open: 'good', reducing: 'warn', closed: 'bad' } as const)[verdict.state]}>
            {({ open: 'Unlocked', reducing: 'Locked', closed: 'Stopped' } as const)[verdict.state]}
          </State>
        </a>
      )}
      <div class="top-end">
        <Liveness />
        <time class="clock" dateTime={new Date(nowMs.value).toISOString()} title={utc(nowMs.value)}>
          {clock(nowMs.value)} <span class="dim">{zone()}</span>
        </time>
        <button
          type="button"
          class="quiet"
          onClick={nextTheme}
          aria-label={`Colours: ${theme.value}. Change`}
        >
          {({ auto: '◐', light: '○', dark: '●' } as const)[theme.value]}
        </button>
      </div>
    </header>
  );
}

/** Whether what is shown is live; where it is not, how old it is. */
function Liveness() {
  const stale = link.value === 'live' ? staleOf(shown.value) : undefined;
  if (stale !== undefined) {
    const { name, ageMs, isFaulty } = stale;
    return (
      <State tone={isFaulty ? 'bad' : 'warn'}>
        {wordOf(name)} {ageMs === null ? 'not read' : `${age(ageMs)} old`}
      </State>
    );
  }
  const [tone, words] = linkWords[link.value];
  return <State tone={tone}>{words}</State>;
}

function Navigation() {
  const status = headOf<StatusShown>('status');
  const reconcile = status?.reconcile;
  const plan = reconcile?.plan;
  const waits = plan?.state === 'staged' || plan?.state === 'approved' ? 1 : 0;
  const untaken = status?.alerts.untaken ?? 0;
  const found = reconcile?.state?.last.discrepancies ?? 0;
  const badge: Partial<Record<ViewName, readonly [number, string]>> = {
    plan: [waits, 'a plan waits'],
    alerts: [untaken, `${untaken} not acknowledged`],
    reconcile: [found, `${found} discrepancies in the last run`],
  };
  return (
    <nav aria-label="Views">
      <ul>
        {names.map((name) => {
          const [number, words] = badge[name] ?? [0, ''];
          return (
            <li key={name}>
              <a href={`#/${name}`} aria-current={current.value === name ? 'page' : undefined}>
                {views[name].title}
                {number > 0 ? (
                  <span class="badge" title={words}>
                    {number}
                    <span class="sr">, {words}</span>
                  </span>
                ) : null}
              </a>
            </li>
          );
        })}
      </ul>
    </nav>
  );
}

function Notices() {
  return (
    <div class="notices" role="status" aria-live="polite">
      {notices.value.map(({ id, text, kind }) => (
        <p key={id} class={`notice ${kind}`}>
          {text}
        </p>
      ))}
    </div>
  );
}

function Denied() {
  return (
    <main class="denied">
      <h1>This page is not admitted</h1>
      <p>
        Each start of the console has a token of its own, and this tab does not have it. Open the address that{' '}
        <code class="command">npm run ops -- console</code> has printed, with everything behind the{' '}
        <code>#</code>.
      </p>
    </main>
  );
}

/** What changes while nobody looks at that place is said once. */
function sayChanges(): void {
  let verdict = '';
  let plan = '';
  effect(() => {
    const status = headOf<StatusShown>('status');
    if (status === undefined) return;
    const { title } = tradingVerdict(status);
    if (verdict !== '' && verdict !== title) say(title, title.includes('unlocked') ? 'good' : 'bad');
    verdict = title;
    const waiting = status.reconcile.plan?.state === 'staged' ? status.reconcile.plan.hash : '';
    if (plan !== waiting && waiting !== '' && plan !== '') say('A plan waits for approval.');
    plan = waiting || 'none';
  });
}

takeToken();
startTheme();
readPlace();
addEventListener('hashchange', readPlace);
setInterval(tick, 1_000);
restWhenHidden();
sayChanges();
effect(() => follow(shown.value));
const root = document.getElementById('page')!;
root.replaceChildren();
render(<Page />, root);
