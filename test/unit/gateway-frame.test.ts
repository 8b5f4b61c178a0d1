import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Fields } from '../../sandbox/gateway/fields.ts';
import { FrameBatch, FrameReader, frame, ProtocolError } from '../../sandbox/gateway/frame.ts';

function hello(text: string): Buffer {
  const head = Buffer.from('API\0\0\0\0\0', 'latin1');
  head.writeUInt32BE(text.length, 4);
  return Buffer.concat([head, Buffer.from(text)]);
}
const readAll = (reader: FrameReader, bytes: Buffer) => [...reader.push(bytes)];

describe('the hello', () => {
  it.each([
    ['v100..193', { kind: 'hello', versionMin: 100, versionMax: 193, options: '' }],
    ['v157..178 +PACEAPI', { kind: 'hello', versionMin: 157, versionMax: 178, options: '+PACEAPI' }],
    ['v176', { kind: 'hello', versionMin: 176, versionMax: 176, options: '' }],
  ])('%s', (text, expected) => {
    expect(readAll(new FrameReader(), hello(text))).toEqual([expected]);
  });

  it.each([
    ['an HTTP request', Buffer.from('GET / HTTP/1.1\r\n\r\n')],
    ['a frame without hello', frame('49\x001\x00')],
    ['no version', hello('hello')],
    ['length 0', Buffer.from('API\0\0\0\0\0', 'latin1')],
    ['a negative length', Buffer.from([0x41, 0x50, 0x49, 0, 0xff, 0xff, 0xff, 0xff])],
    ['a huge length', Buffer.from([0x41, 0x50, 0x49, 0, 0x7f, 0xff, 0xff, 0xff])],
  ])('%s is refused', (_name, bytes) => {
    expect(() => readAll(new FrameReader(), bytes)).toThrow(ProtocolError);
  });
});

describe('frames', () => {
  it('however the bytes are cut, the same messages come out', () => {
    const texts = fc.array(
      fc.string({ unit: 'grapheme' }).map((text) => text.replaceAll('\0', '')),
      { minLength: 1 },
    );
    fc.assert(
      fc.property(
        fc.array(texts, { maxLength: 8 }),
        fc.array(fc.nat(400), { maxLength: 12 }),
        (messages, cuts) => {
          const stream = Buffer.concat([
            hello('v100..193'),
            ...messages.map((fields) => frame(`${fields.join('\0')}\0`)),
          ]);
          const edges = [
            0,
            ...cuts.map((cut) => cut % (stream.length + 1)).sort((a, b) => a - b),
            stream.length,
          ];
          const reader = new FrameReader();
          const out = edges
            .slice(1)
            .flatMap((edge, index) => readAll(reader, stream.subarray(edges[index], edge)));
          expect(out.slice(1)).toEqual(messages.map((fields) => ({ kind: 'request', fields })));
        },
      ),
    );
  });

  it('any bytes are either understood or refused as a protocol error', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.boolean(), (bytes, greeted) => {
        const reader = new FrameReader();
        if (greeted) readAll(reader, hello('v100..193'));
        try {
          readAll(reader, Buffer.from(bytes));
        } catch (problem) {
          expect(problem).toBeInstanceOf(ProtocolError);
        }
      }),
    );
  });

  it.each([
    ['length 0', [0, 0, 0, 0]],
    ['a negative length', [0xff, 0xff, 0xff, 0xff]],
    ['a length beyond the bound', [0, 1, 0, 1]],
    ['no NUL at the end', [0, 0, 0, 2, 0x34, 0x39]],
  ])('%s is refused', (_name, bytes) => {
    const reader = new FrameReader();
    readAll(reader, hello('v100..193'));
    expect(() => readAll(reader, Buffer.from(bytes))).toThrow(ProtocolError);
  });

  it('a batch holds the same bytes as single frames, however large the messages and whenever it is taken', () => {
    const body = fc
      .record({ unit: fc.constantFrom('a', 'é', '€', '😀'), count: fc.integer({ min: 0, max: 30_000 }) })
      .map(({ unit, count }) => unit.repeat(count));
    fc.assert(
      fc.property(fc.array(fc.record({ body, take: fc.boolean() }), { maxLength: 12 }), (steps) => {
        const batch = new FrameBatch();
        const out: Buffer[] = [];
        for (const step of steps) {
          const full = batch.add(step.body);
          if (full !== undefined) out.push(full);
          const taken = step.take ? batch.take() : undefined;
          if (taken !== undefined) out.push(taken);
        }
        const rest = batch.take();
        if (rest !== undefined) out.push(rest);
        expect(batch.bytes).toBe(0);
        expect(Buffer.concat(out).equals(Buffer.concat(steps.map((step) => frame(step.body))))).toBe(true);
      }),
      { numRuns: 60 },
    );
  });
});

describe('fields', () => {
  it('a message that ends early, and numbers that are none', () => {
    expect(() => new Fields(['1']).skip(1).text()).toThrow('message 1 ends after 1 fields');
    for (const text of ['x', '-', '1e3', '0x10', '12345678901234567', ' 1']) {
      expect(() => new Fields([text]).integer()).toThrow(ProtocolError);
    }
    expect(new Fields(['']).integer()).toBe(0);
    expect(new Fields(['-7']).integer()).toBe(-7);
  });
});
