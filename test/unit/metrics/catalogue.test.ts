import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { emitters } from '../../../lib/domain/metrics/catalogue.ts';
import { emfLine, type Metric } from '../../../lib/domain/metrics/metric.ts';
import { renderMetricDocs } from '../../helpers/render-metric-docs.ts';

const all = emitters.flatMap(({ metrics }) => metrics);
const root = fileURLToPath(new URL('../../../', import.meta.url));

const pair = [
  { name: 'evenkeel_a', kind: 'gauge', unit: 'Count', meaning: 'a', emf: true },
  { name: 'evenkeel_b', kind: 'gauge', unit: 'Seconds', meaning: 'b', emf: true },
  { name: 'evenkeel_quiet', kind: 'gauge', unit: 'Count', meaning: 'not for CloudWatch', emf: false },
] as const satisfies readonly Metric[];

describe('the catalogue of metrics', () => {
  it('has each name once, as Prometheus wants names, a counter ending with _total', () => {
    const names = all.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    expect(names.filter((name) => !/^evenkeel(_[a-z]+)+$/.test(name))).toEqual([]);
    const wrong = all.filter(({ name, kind }) => name.endsWith('_total') !== (kind === 'counter'));
    expect(wrong.map(({ name }) => name)).toEqual([]);
  });

  it('says the unit in the name where it has one', () => {
    const units = { Seconds: '_seconds', Bytes: '_bytes' } as const;
    for (const [unit, end] of Object.entries(units)) {
      const wrong = all.filter((one) => (one.unit === unit) !== one.name.endsWith(end));
      expect(wrong.map(({ name }) => name)).toEqual([]);
    }
  });

  it('gives CloudWatch nothing with labels, and a function no metric that CloudWatch does not get', () => {
    expect(all.filter(({ emf, labels = [] }) => emf && labels.length > 0)).toEqual([]);
    const functions = emitters.filter(({ prometheus }) => !prometheus);
    expect(functions.flatMap(({ metrics }) => metrics.filter(({ emf }) => !emf))).toEqual([]);
  });

  it('is the only place where names are made up: every name in the sources is one of it', () => {
    const names = new Set(all.map(({ name }) => name));
    const unknown = sourcesWithNames().filter(({ name }) => !names.has(name));
    expect(unknown).toEqual([]);
  });

  it('docs/metrics.md is what the catalogue says', async () => {
    await expect(renderMetricDocs()).toMatchFileSnapshot('../../../docs/metrics.md');
  });
});

describe('the line that CloudWatch reads', () => {
  const input = { metrics: pair, dimensions: { stage: 'paper' }, nowMs: 5 };

  it('has the metrics that were told, their units, one set of dimensions and whatever else is to be found', () => {
    const line = emfLine({ ...input, values: { evenkeel_b: 0.5 }, properties: { status: 'FAILED' } });
    expect(JSON.parse(line!)).toEqual({
      _aws: {
        Timestamp: 5,
        CloudWatchMetrics: [
          {
            Namespace: 'Evenkeel',
            Dimensions: [['stage']],
            Metrics: [{ Name: 'evenkeel_b', Unit: 'Seconds' }],
          },
        ],
      },
      status: 'FAILED',
      stage: 'paper',
      evenkeel_b: 0.5,
    });
  });

  it('leaves out what is no number, and what CloudWatch is not to have', () => {
    const values = { evenkeel_a: Number.NaN, evenkeel_b: Number.POSITIVE_INFINITY, evenkeel_quiet: 1 };
    expect(emfLine({ ...input, values })).toBeUndefined();
    expect(JSON.parse(emfLine({ ...input, values: { ...values, evenkeel_a: 0 } })!)).toMatchObject({
      evenkeel_a: 0,
      _aws: { CloudWatchMetrics: [{ Metrics: [{ Name: 'evenkeel_a' }] }] },
    });
  });
});

/** Names of metrics in the product's own files. */
function sourcesWithNames(): { file: string; name: string }[] {
  const files = ['lib', 'streamer', 'functions', 'bin', 'docs'].flatMap((folder) =>
    readdirSync(`${root}${folder}`, { recursive: true, encoding: 'utf8' }).map((file) => `${folder}/${file}`),
  );
  return files
    .filter((file) => /\.(ts|md)$/.test(file))
    .flatMap((file) =>
      [
        ...readFileSync(`${root}${file}`, 'utf8').matchAll(
          /\bevenkeel_(?!sandbox|paper|live)[a-z_]+[a-z]\b(?![*_<])/g,
        ),
      ].map(([name]) => ({ file, name })),
    );
}
