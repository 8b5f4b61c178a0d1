/** What an event means to the desk of alerts: something is raised, something has ended, both, or nothing. */
import { createHash } from 'node:crypto';
import { alertType } from '../domain/alerts/catalogue.ts';
import type { EventAlert } from '../domain/alerts/catalogue-events.ts';
import { type AlertEnd, type AlertNews, type DeskInput, isAtLeast } from '../domain/alerts/types.ts';
import { type Envelope, type Notice, parseEnvelope, parseNotice } from '../events/envelope.ts';
import { streamerSource } from '../events/sources.ts';

type Heard = Envelope | Notice;
type HeardInput = Extract<DeskInput, { readonly atMs: number }>;
type News = Omit<AlertNews, 'witness'>;
/** What an event says, before it has its id, its time and its witness. */
type Said =
  | { readonly kind: 'raised'; readonly news: News }
  | {
      readonly kind: 'ended';
      readonly end: AlertEnd;
      /** Not what was raised at the same time. */
      readonly isOfEarlier?: true;
    };

/**
 * @param event as the rule delivers it
 * @throws EventError for what is no event of this version
 */
export function newsOf(event: { readonly source: string; readonly detail: unknown }): HeardInput[] {
  const { source } = event;
  const { heard, atMs } = parsed(event);
  // A streamer counts its events anew under another lease; its id holds the lease's token.
  return saidBy(heard, source).map((said, index): HeardInput => {
    const eventId = hashOf(`${heard.id} ${index}`);
    if (said.kind === 'raised')
      return { kind: 'raised', eventId, atMs, news: { ...said.news, witness: source } };
    return { kind: 'ended', eventId, atMs: said.isOfEarlier ? atMs - 1 : atMs, end: said.end };
  });
}

function parsed({ source, detail }: { readonly source: string; readonly detail: unknown }): {
  readonly heard: Heard;
  readonly atMs: number;
} {
  if (source !== streamerSource) {
    const heard = parseNotice(detail);
    return { heard, atMs: Date.parse(heard.occurredAt) };
  }
  const heard = parseEnvelope(detail);
  // It may have occurred by the clock of the market or the broker; only the streamer's own orders what it says.
  return { heard, atMs: Date.parse(heard.recordedAt) };
}

function hashOf(id: string): string {
  return createHash('sha256').update(id).digest('base64url').slice(0, 12);
}

function saidBy(heard: Heard, source: string): Said[] {
  const { account } = heard;
  const streamer = `streamer ${'streamer' in heard ? heard.streamer : ''}`.trim();
  switch (heard.type) {
    case 'alert.raised':
      return alertSays({ ...heard.data, account }, source);
    case 'backpressure.detected':
      return [backpressure(account, streamer, heard.data)];
    case 'backup.completed':
      return [ended(['backup_failed'], '*', null, `The backup ${heard.data.backupId} is whole.`)];
    case 'circuit-breaker.triggered': {
      const { failures, lastError, retryEveryMs } = heard.data;
      const message = `${account}: ${failures} attempts to connect to the gateway failed in a row (${lastError}). It is tried every ${Math.round(retryEveryMs / 1000)} s from now on.`;
      return [raised('circuit_open', account, streamer, message)];
    }
    case 'discrepancy.opened': {
      const { discrepancyId, severity, message, broker, book } = heard.data;
      if (!isAtLeast(severity, 'HIGH')) return [];
      const words = `${account}: ${discrepancyId}. Broker: ${broker || 'nothing'}; book: ${book || 'nothing'}. ${message}`;
      return [
        {
          kind: 'raised',
          news: { alert: 'discrepancy_opened', severity, account, subject: discrepancyId, message: words },
        },
      ];
    }
    case 'discrepancy.resolved':
      return [
        ended(
          ['discrepancy_opened', 'discrepancy_escalated'],
          account,
          heard.data.discrepancyId,
          'Broker and book agree again.',
        ),
      ];
    case 'drill.completed':
      return heard.data.ok
        ? [ended(['drill_failed'], '*', null, `The backup ${heard.data.backupId} was restored well.`)]
        : [];
    case 'feed.changed': {
      const { symbol, from, to, reason } = heard.data;
      const subject = `feed ${symbol}`;
      if (to !== 'stale' && to !== 'lost')
        return [ended(['feed_stale'], account, subject, `The feed is ${to} again.`)];
      return [
        raised(
          'feed_stale',
          account,
          subject,
          `${account}: the feed of ${symbol} went from ${from} to ${to}: ${reason}.`,
        ),
      ];
    }
    case 'gap.abandoned': {
      const { gapId, symbol, fromMs, toMs, attempts, lastError } = heard.data;
      const message = `${account}: the bars of ${symbol} from ${iso(fromMs)} to ${iso(toMs)} stay missing or partial: ${attempts} requests, the last answer was "${lastError}".`;
      return [raised('gap_abandoned', account, `gap ${gapId} of ${symbol}`, message)];
    }
    case 'gap.filled': {
      const { gapId, symbol } = heard.data;
      return [ended(['gap_abandoned'], account, `gap ${gapId} of ${symbol}`, 'The bars have come.')];
    }
    case 'gateway.connected':
      return [
        ended(['circuit_open', 'login_awaited'], account, streamer, 'The session with the gateway is up.'),
      ];
    case 'login.awaited': {
      const minutes = Math.round(heard.data.waitingMs / 60_000);
      const message = `${account}: the weekly login ended at ${iso(heard.data.sinceMs)}, ${minutes} min ago. A person must confirm the second factor in IBKR Mobile.`;
      return [raised('login_awaited', account, streamer, message)];
    }
    case 'plan.approved':
    case 'plan.applied':
      return [
        ended(['plan_staged', 'plan_refused'], account, `plan ${heard.data.planHash}`, `${heard.type}.`),
      ];
    case 'plan.refused': {
      const { planHash, code, message } = heard.data;
      return [raised('plan_refused', account, `plan ${planHash}`, `${account}: ${withCode(code, message)}`)];
    }
    case 'plan.staged':
      return planStaged(account, heard.data);
    case 'reconcile.completed':
      return reconciled(account, heard.data);
    case 'safe-mode.entered':
      return [
        raised(
          'safe_mode_entered',
          account,
          streamer,
          `${account}: the streamer went into safe mode: ${heard.data.reason}. No orders leave.`,
        ),
      ];
    case 'safe-mode.left':
      return [ended(['safe_mode_entered'], account, streamer, `Safe mode was left: ${heard.data.reason}.`)];
    default:
      return [];
  }
}

/** Some alerts say that another one is over: where it is open, they end it instead of standing beside it. */
function alertSays(news: News, witness: string): Said[] {
  const { ends } = alertType(news.alert);
  if (ends === undefined) return [{ kind: 'raised', news }];
  const { account, subject, message } = news;
  const otherwise = { ...news, witness };
  return [{ kind: 'ended', end: { alerts: ends, account, subject, witness, message, otherwise } }];
}

function backpressure(
  account: string,
  subject: string,
  data: Envelope<'backpressure.detected'>['data'],
): Said {
  const { queue, utilisation, depth, capacity, droppedQuotes, droppedTrades } = data;
  const share = `${depth} of ${capacity} (${Math.round(utilisation * 100)} %)`;
  if (queue === 'outbox') {
    const message = `${account}: the outbox holds ${share} events that the bus has not taken. None is dropped; once it is full, ticks are held back and may be.`;
    return raised('outbox_backpressure', account, subject, message);
  }
  const fill = `${account}: the tick buffer holds ${share}`;
  if (droppedQuotes + droppedTrades === 0)
    return raised('live_data_backpressure', account, subject, `${fill}; nothing was dropped yet.`);
  const message = `${fill}; ${droppedQuotes} quotes and ${droppedTrades} trades were dropped since the start.`;
  return raised('live_data_backpressure_drop', account, subject, message);
}

function planStaged(account: string, data: Notice<'plan.staged'>['data']): Said[] {
  const { planHash, inserts, updates, deletes, cancels, ambiguous, refusedCode, expiresAt } = data;
  const what = `${inserts} inserts, ${updates} updates, ${deletes} deletes, ${cancels} cancels, ${ambiguous} ambiguous`;
  const may =
    refusedCode === ''
      ? `It waits for approval until ${expiresAt}.`
      : `It cannot be carried out: ${refusedCode}.`;
  return [
    // It replaces the one before.
    { ...ended(['plan_staged'], account, null, 'Another plan has taken its place.'), isOfEarlier: true },
    raised('plan_staged', account, `plan ${planHash}`, `${account}: a plan is staged (${what}). ${may}`),
  ];
}

function reconciled(account: string, { status, types }: Notice<'reconcile.completed'>['data']): Said[] {
  if (status !== 'COMPLETED') return [];
  const over = ['reconcile_failed'];
  if ((types.AMBIGUOUS_MATCH ?? 0) === 0) over.push('ambiguous_matches_found');
  return [ended(over, account, null, 'A reconcile has completed.')];
}

function raised(alert: EventAlert, account: string, subject: string, message: string): Said {
  return {
    kind: 'raised',
    news: { alert, severity: alertType(alert).severities[0], account, subject, message },
  };
}

/** Whoever raised it. */
function ended(
  alerts: readonly string[],
  account: string,
  subject: string | null,
  message: string,
): Extract<Said, { readonly kind: 'ended' }> {
  return { kind: 'ended', end: { alerts, account, subject, witness: null, message, otherwise: null } };
}

function withCode(code: string, message: string): string {
  return message.startsWith(code) ? message : `${code}: ${message}`;
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
