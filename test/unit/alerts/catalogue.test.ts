import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { alertType, alertTypes, commandFor, ownAlerts } from '../../../lib/domain/alerts/catalogue.ts';
import { eventAlerts } from '../../../lib/domain/alerts/catalogue-events.ts';
import { alertSeverities } from '../../../lib/domain/alerts/types.ts';
import { severities } from '../../../lib/events/alert-raised.ts';
import { raisedAlerts } from '../../helpers/raised-alerts.ts';
import { renderAlertDocs } from '../../helpers/render-alert-docs.ts';
import { readSources } from '../../helpers/source-graph.ts';
import { news } from './desk-harness.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const sources = new Map(
  ['streamer', 'lib', 'functions'].flatMap((folder) =>
    [...readSources(`${root}${folder}`)].map(([file, text]) => [`${folder}/${file}`, text] as const),
  ),
);
// The desk passes on what it is told, and the schema says only what an alert looks like.
const raisers = new Map(
  [...sources].filter(([file]) => !/^lib\/(alerts|domain\/alerts|events)\//.test(file)),
);

describe('the catalogue of alerts', () => {
  const { raised, unclear } = raisedAlerts(raisers);

  it('has every alert that the code raises, with its severities', () => {
    expect(unclear).toEqual([]);
    expect(raised.length).toBeGreaterThan(45);
    const wrong = raised.filter(
      ({ alert, severities: given }) =>
        !given.every((one) => alertTypes[alert]?.severities.some((own) => own === one)),
    );
    expect(wrong).toEqual([]);
  });

  it('has none that is raised nowhere', () => {
    const known = new Set([
      ...raised.map(({ alert }) => alert),
      ...Object.keys(eventAlerts),
      ...Object.keys(ownAlerts),
    ]);
    expect(Object.keys(alertTypes).filter((alert) => !known.has(alert))).toEqual([]);
  });

  it('has no severity that the code never gives', () => {
    const given = (alert: string) =>
      new Set(raised.filter((one) => one.alert === alert).flatMap((one) => one.severities));
    for (const alert of new Set(raised.map((one) => one.alert)))
      expect([...given(alert)].toSorted(), alert).toEqual([...alertType(alert).severities].toSorted());
  });

  it('keeps the severities of the operator guide', () => {
    expect(
      Object.fromEntries(
        [
          'ambiguous_matches_found',
          'backup_failed',
          'reconcile_failed',
          'live_data_backpressure_drop',
          'order_blocked_safe_mode',
          'duplicate_submission_blocked',
        ].map((alert) => [alert, alertTypes[alert]?.severities]),
      ),
    ).toEqual({
      ambiguous_matches_found: ['HIGH'],
      backup_failed: ['CRITICAL'],
      reconcile_failed: ['HIGH'],
      live_data_backpressure_drop: ['MEDIUM'],
      order_blocked_safe_mode: ['INFO'],
      duplicate_submission_blocked: ['INFO'],
    });
    expect([...alertSeverities]).toEqual([...severities]);
  });

  it('finds an alert that is raised with another severity, or without its name in the code', () => {
    const code = `
      function raise(name: string) { say({ alert: name, severity: 'HIGH' }); }
      raise('hidden_one');
      say({ alert: 'plain_one', severity: bad ? 'LOW' : 'HIGH' });
      say({ alert: table[0], severity: 'HIGH' });
      raise(pick());
      class N { alert(alert: string, severity: S) { return { alert, severity }; } }
      notices.alert('told_one', 'INFO');`;
    const found = raisedAlerts(new Map([['a.ts', code]]));
    expect(found.raised.map(({ alert, severities: given }) => [alert, ...given])).toEqual([
      ['plain_one', 'LOW', 'HIGH'],
      ['hidden_one', 'HIGH'],
      ['told_one', 'INFO'],
    ]);
    expect(found.unclear).toHaveLength(2);
  });

  it('each says what it means and what to do, with a command that the operator has', () => {
    const cli = readFileSync(`${root}docs/cli.md`, 'utf8');
    for (const [alert, { meaning, ends = [], byType = {}, ...usual }] of Object.entries(alertTypes)) {
      expect(meaning.length, alert).toBeGreaterThan(20);
      for (const { action, command } of [usual, ...Object.values(byType)]) {
        expect(action, alert).toMatch(/\.$/);
        const [, first = ''] = /^evenkeel ([a-z-]+)/.exec(command) ?? [];
        expect(cli, `${alert}: ${command}`).toContain(`\n## ${first}\n`);
        expect(existsSync(`${root}bin/evenkeel/${first}.ts`), `${alert}: ${command}`).toBe(true);
      }
      for (const ended of ends) expect(Object.keys(alertTypes), alert).toContain(ended);
    }
  });

  it('fills in account and id, and nothing that a shell would read', () => {
    expect(commandFor(news({ alert: 'plan_staged', subject: 'plan 3b1f' }))).toBe(
      'evenkeel plan show 3b1f --account DU1234567',
    );
    expect(commandFor(news({ alert: 'orphaned_child', subject: 'order x;rm' }))).toBe(
      'evenkeel order cancel … --account DU1234567',
    );
    expect(commandFor(news({ alert: 'reconcile_failed', account: '*' }))).toBe(
      'evenkeel reconcile show latest',
    );
    expect(commandFor(news({ alert: 'never_heard_of' }))).toContain('evenkeel status');
  });

  it('docs/alerts.md is made of it', async () => {
    await expect(renderAlertDocs()).toMatchFileSnapshot('../../../docs/alerts.md');
  });
});
