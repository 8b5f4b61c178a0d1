import { runTone, runWords } from '../../wire/run-words.ts';
import type { AlertsShown, ExposureShown, RunRead, StatusShown } from '../../wire/shapes.ts';
import { type TradingVerdict, tradingVerdict } from '../../wire/trading-verdict.ts';
import { grouped, money, shortened } from '../format.ts';
import { Known } from '../parts/known.tsx';
import {
  Ago,
  Card,
  Empty,
  Fact,
  Facts,
  Jointed,
  Moment,
  planTone,
  State,
  severityTone,
  type Tone,
} from '../parts/words.tsx';
import { headOf, rowsOf } from '../topics.ts';
import { Doctor } from './doctor.tsx';
import { worstFirst } from './reconcile.tsx';

export function Overview() {
  return (
    <Known topics={['status']}>
      {() => {
        const status = headOf<StatusShown>('status')!;
        return (
          <>
            <Verdict verdict={tradingVerdict(status)} />
            <div class="cards">
              <Session status={status} />
              <Reconcile status={status} />
              <Flags status={status} />
              <Book status={status} />
              <Exposure />
              <Open />
            </div>
            <Doctor />
          </>
        );
      }}
    </Known>
  );
}

const verdictTone = { open: 'good', reducing: 'warn', closed: 'bad' } as const;

/** The one thing that a person has to see first: whether orders leave, why not, and what to do. */
function Verdict({ verdict: { state, title, obstacles } }: { verdict: TradingVerdict }) {
  const tone = verdictTone[state];
  return (
    <section class={`verdict ${tone}`} aria-labelledby="verdict">
      <h2 id="verdict">
        <State tone={tone}>{title}</State>
      </h2>
      {obstacles.length === 0 ? (
        <p>
          The session is ready, the lease is held, the last reconcile opened the lock, and no flag holds
          orders back.
        </p>
      ) : (
        <ol>
          {obstacles.map(({ what, next, view }) => (
            <li key={what}>
              <span>{what}.</span> <a href={`#/${view}`}>{next}</a>
            </li>
          ))}
        </ol>
      )}
    </section>
  );
}

function Session({ status }: { status: StatusShown }) {
  const { heartbeat, alive, lease, queues } = status;
  const dead = queues.filter(({ what, depth }) => what.startsWith('dead') && (depth?.waiting ?? 0) > 0);
  return (
    <Card title="Session">
      <Facts>
        <Fact name="Streamer">
          {heartbeat === null ? (
            <State tone="bad">never heard</State>
          ) : (
            <>
              <State tone={!alive ? 'bad' : heartbeat.ready ? 'good' : 'warn'}>
                {alive ? heartbeat.phase : `silent, was ${heartbeat.phase}`}
              </State>{' '}
              <span class="dim">
                heard <Ago at={heartbeat.atMs} />, epoch {heartbeat.epoch}
              </span>
            </>
          )}
        </Fact>
        <Fact name="Lease">
          {lease === null ? (
            <State tone="warn">nobody has held it</State>
          ) : (
            <>
              <State tone={lease.released ? 'warn' : 'good'}>{lease.released ? 'given back' : 'held'}</State>{' '}
              <span class="dim">
                token {lease.token}, renewed <Ago at={lease.renewedAtMs} />
              </span>
            </>
          )}
        </Fact>
        {heartbeat === null ? null : (
          <>
            <Fact name="Feeds">
              <Feeds feeds={heartbeat.feeds} />
            </Fact>
            <Fact name="Market time">
              <Moment at={heartbeat.marketMs} none="unknown yet" />
            </Fact>
            <Fact name="Unsent events">{heartbeat.outboxDepth.toLocaleString('en')}</Fact>
          </>
        )}
        <Fact name="Dead letters">
          {dead.length === 0 ? (
            'none'
          ) : (
            <State tone="bad">{dead.map(({ name, depth }) => `${name}: ${depth?.waiting}`).join(', ')}</State>
          )}
        </Fact>
      </Facts>
    </Card>
  );
}

const feedsNamed = 4;

function Feeds({ feeds }: { feeds: readonly { readonly symbol: string; readonly feed: string }[] }) {
  const bad = feeds.filter(({ feed }) => feed !== 'live');
  if (feeds.length === 0) return <State tone="warn">none</State>;
  if (bad.length === 0)
    return (
      <State tone="good">
        {feeds.length <= feedsNamed
          ? feeds.map(({ symbol }) => symbol).join(', ')
          : `${feeds.length} contracts`}{' '}
        live
      </State>
    );
  const named = bad.slice(0, feedsNamed).map(({ symbol, feed }) => `${symbol} ${feed}`);
  return (
    <State tone="warn">
      {named.join(', ')}
      {bad.length > feedsNamed ? ` and ${bad.length - feedsNamed} more` : ''}; {feeds.length - bad.length}{' '}
      live
    </State>
  );
}

function Reconcile({ status: { reconcile, lock, lease } }: { status: StatusShown }) {
  const { state, plan, lost } = reconcile;
  const isOpen = lock.state === 'open' && lock.token === (lease?.token ?? 0);
  const last = state?.last;
  const aside = <a href="#/reconcile">History</a>;
  if (last === undefined || last.runId === '')
    return (
      <Card title="Reconcile" aside={aside}>
        <Empty title="Nothing was reconciled yet">
          A run comes by the clock; <a href="#/reconcile">make one now</a>.
        </Empty>
      </Card>
    );
  const critical = last.severities.CRITICAL ?? 0;
  return (
    <Card title="Reconcile" aside={aside}>
      <Facts>
        <Fact name="Last run">
          <State tone={runTone(last, lost)}>
            <Jointed word={runWords(last, lost)} />
          </State>{' '}
          <span class="dim">
            <Ago at={last.startedAtMs} />
          </span>
        </Fact>
        <Fact name="Found">
          {last.verdict === null ? (
            'nothing was judged'
          ) : (
            <State tone={critical > 0 ? 'bad' : last.discrepancies > 0 ? 'warn' : 'good'}>
              {last.discrepancies} {last.discrepancies === 1 ? 'discrepancy' : 'discrepancies'}
              {critical > 0 ? `, ${critical} critical` : ''}
            </State>
          )}
        </Fact>
        <Fact name="Lock">
          <State tone={isOpen ? 'good' : 'warn'}>{isOpen ? `open for epoch ${lock.token}` : 'locked'}</State>
        </Fact>
        <Fact name="Plan">
          {plan === null ? (
            'none waits'
          ) : (
            <a href="#/plan">
              <State tone={planTone(plan.state)}>
                {plan.hash.slice(0, 8)} {plan.state}
              </State>
            </a>
          )}
        </Fact>
      </Facts>
    </Card>
  );
}

function Flags({ status: { flags, trading } }: { status: StatusShown }) {
  const values = Object.entries(flags.flags);
  const tradingTone: Tone = trading.mode === 'active' ? 'good' : trading.mode === 'halted' ? 'bad' : 'warn';
  return (
    <Card title="Flags" aside={<a href="#/flags">Change</a>}>
      <Facts hasLongNames>
        {values.map(([name, value]) => (
          <Fact key={name} name={name}>
            <span class={value ? 'on' : 'dim'}>{String(value)}</span>
          </Fact>
        ))}
        <Fact name="Trading">
          <State tone={tradingTone}>{trading.mode}</State>
        </Fact>
      </Facts>
    </Card>
  );
}

function Book({ status: { orders, positions, chains, queues } }: { status: StatusShown }) {
  return (
    <Card title="Book" aside={<a href="#/orders">Orders</a>}>
      <Facts>
        <Fact name="Open orders">
          {orders.open.toLocaleString('en')} <span class="dim">of {orders.all.toLocaleString('en')}</span>
        </Fact>
        <Fact name="Positions">{positions.toLocaleString('en')}</Fact>
        <Fact name="Audit rows">{chains.reduce((sum, { seq }) => sum + seq, 0).toLocaleString('en')}</Fact>
        <Fact name="Waiting in queues">
          {queues
            .filter(({ what }) => !what.startsWith('dead'))
            .map(
              ({ what, depth }) => `${what} ${depth === null ? 'missing' : depth.waiting + depth.inFlight}`,
            )
            .join(', ')}
        </Fact>
      </Facts>
    </Card>
  );
}

const exposuresShown = 5;

function Exposure() {
  const rows = rowsOf<ExposureShown>('exposure');
  return (
    <Card title="Exposure" aside={<a href="#/positions">Positions</a>}>
      <Known topics={['exposure']}>
        {() =>
          rows.length === 0 ? (
            <Empty title="No position in the book">Positions has IB’s side beside it.</Empty>
          ) : (
            <div class="scroll">
              <table class="small">
                <thead>
                  <tr>
                    <th scope="col">Contract</th>
                    <th scope="col" class="number">
                      Position
                    </th>
                    <th scope="col" class="number">
                      Price
                    </th>
                    <th scope="col" class="number">
                      Notional
                    </th>
                  </tr>
                </thead>
                <tbody>
                  {rows.slice(0, exposuresShown).map((row) => (
                    <tr key={row.conId}>
                      <th scope="row">{row.symbol}</th>
                      <td class="number">{grouped(row.position)}</td>
                      <td
                        class="number"
                        title={
                          row.priceFrom === 'cost' ? 'no bar: the average price' : 'close of the last bar'
                        }
                      >
                        {shortened(row.price)}
                        {row.priceFrom === 'cost' ? '*' : ''}
                      </td>
                      <td class="number">
                        {money(row.notional)} <span class="dim">{row.currency}</span>
                      </td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </div>
          )
        }
      </Known>
      {rows.length > exposuresShown ? <p class="dim">and {rows.length - exposuresShown} more</p> : null}
      {rows.some(({ priceFrom }) => priceFrom === 'cost') ? (
        <p class="dim">* at cost: no bar of it is stored</p>
      ) : null}
    </Card>
  );
}

const openShown = 4;

/** Alerts that nobody has taken on, and open discrepancies: what has to be settled before anything else. */
function Open() {
  const read = headOf<RunRead | null>('run');
  const alerts = (headOf<AlertsShown | null>('alerts')?.alerts ?? []).filter(
    (one) => one.acknowledged === null,
  );
  const found = worstFirst(read?.verdict?.discrepancies ?? []);
  const open = [
    ...alerts.map(({ id, severity, alert, subject }) => ({ id, severity, what: alert, about: subject })),
    ...found.map(({ id, severity, type, subject, symbol }) => ({
      id,
      severity,
      what: type,
      about: `${subject} ${symbol}`,
    })),
  ];
  return (
    <Card title="Attention" aside={<a href="#/alerts">Alerts</a>}>
      <Known topics={['run', 'alerts']}>
        {() =>
          open.length === 0 ? (
            <Empty title="Nothing needs you">
              {read === null ? 'No run has judged yet.' : 'The last run that judged found no discrepancy.'}
            </Empty>
          ) : (
            <ul class="plain">
              {open.slice(0, openShown).map(({ id, severity, what, about }) => (
                <li key={id}>
                  <State tone={severityTone[severity] ?? 'info'}>{severity}</State> <Jointed word={what} />{' '}
                  <span class="dim">{about}</span>
                </li>
              ))}
              {open.length > openShown ? <li class="dim">and {open.length - openShown} more</li> : null}
            </ul>
          )
        }
      </Known>
    </Card>
  );
}
