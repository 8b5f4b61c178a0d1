/** What a broken or hostile gateway may send, against the real link with the real @stoqey/ib. */
import type { ContractDetails } from '@stoqey/ib';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { catalogue } from '../../../lib/events/catalogue.ts';
import { choose } from '../../../streamer/contract-query.ts';
import { frameBytesMax } from '../../../streamer/wire-frames.ts';
import { type Fields, frame, lengthOf, type Manners } from '../../helpers/hostile-gateway.ts';
import { WatchedLink } from '../../helpers/hostile-link.ts';
import { brokerSeconds, type SampleName, sample, sampleNames } from '../../helpers/hostile-samples.ts';

const open: WatchedLink[] = [];
afterEach(() => {
  for (const link of open.splice(0)) link.close();
});

async function ready(manners: Manners = {}): Promise<WatchedLink> {
  const link = await WatchedLink.ready(manners);
  open.push(link);
  return link;
}

const withoutEnd = Buffer.concat([lengthOf(3), Buffer.from('1\x006')]);
const numbers = [
  'NaN',
  'Infinity',
  '-Infinity',
  '1e999',
  '-1e999',
  'abc',
  '--5',
  '0x10',
  '9'.repeat(400),
  '-1',
  '1e-400',
];
const texts = [
  '\x1b[2J\x1b]0;owned\x07',
  '\r\n{"level":50}',
  '\u202egnp.exe',
  '<script>alert(1)</script>',
  '{"a":',
  '__proto__',
];

/** The numbers of a message, past its own: what is not a number stays. */
function withField(name: SampleName, at: number, value: string): string[] {
  const fields = sample(name, 1_000_000_001);
  fields[at] = value;
  return fields;
}

const decimals =
  /^(filled|remaining|quantity|price|position|averageCost|multiplier|strike|commission|(average|limit|stop|trailStop)\w*Price|cumulativeQuantity)$/;

/** Nothing that is no number, and nothing that moves a cursor, has become a fact. */
function expectSane(link: WatchedLink): void {
  for (const fact of link.facts) expectSaneRecord(fact, JSON.stringify(fact));
}

function expectSaneRecord(record: object, whole: string): void {
  expect(whole.length).toBeLessThan(8_000);
  for (const [name, value] of Object.entries(record)) {
    if (typeof value === 'object' && value !== null) expectSaneRecord(value, whole);
    else if (typeof value === 'number') expect(Number.isSafeInteger(value), whole).toBe(true);
    else if (typeof value === 'string') {
      expect(value, whole).not.toMatch(/[\p{Cc}\u202e]/u);
      if (decimals.test(name)) expect(value, whole).toMatch(/^-?\d{1,20}(\.\d{1,40})?$/);
    }
  }
}

describe('a stream that is not the protocol ends the connection, and says why once', () => {
  const broken: readonly [what: string, bytes: Buffer, why: RegExp][] = [
    ['a length of -1', lengthOf(-1), /length of -1/],
    ['a length of -4, which the library reads for ever', lengthOf(-4), /length of -4/],
    ['the most negative length', lengthOf(-(2 ** 31)), /length of -2147483648/],
    ['a length of 0', lengthOf(0), /length of 0/],
    ['the greatest length', lengthOf(2 ** 31 - 1), /length of 2147483647/],
    ['a length of 16 MB', lengthOf(16_000_000), /length of 16000000/],
    ['one byte more than there can be', lengthOf(frameBytesMax + 1), /length of/],
    ['a message without its end', withoutEnd, /does not end with NUL/],
    ['a field of 100,000 characters', frame([4, 2, -1, 2104, 'x'.repeat(100_000), '']), /field has 100000/],
  ];
  it.each(broken)('%s', async (_, bytes, why) => {
    const link = await ready();
    // The length alone is enough to know: what follows is never waited for.
    link.gateway.visits[0]!.bytes(Buffer.concat([bytes, Buffer.from('\0\0')]));
    const [code, message] = await link.until('disconnected');
    expect(code).toBeNull();
    expect(message).toMatch(why);
    expect(message).toContain('GATEWAY_WIRE_BROKEN');
    await new Promise((resolve) => link.gateway.visits[0]!.socket.once('close', resolve));
    expect(link.all('disconnected')).toHaveLength(1);
    expect(link.link.wire.broken).toBe(1);
    // The next attempt is a fresh one.
    link.link.open();
    await link.until('ready', () => link.all('ready').length === 2);
    expect(link.all('time')).toHaveLength(0);
  });

  it('10 MB of text in one field is refused by its length, before it is read', async () => {
    const link = await ready();
    link.gateway.visits[0]!.bytes(frame([4, 2, -1, 2104, 'x'.repeat(10_000_000), '']));
    expect((await link.until('disconnected'))[1]).toMatch(/length of/);
  });

  it('a message that never ends is held as pieces, not copied at each of them', async () => {
    const link = await ready();
    const { socket } = link.gateway.visits[0]!;
    socket.setNoDelay(true);
    socket.write(lengthOf(frameBytesMax));
    for (let count = 0; count < 3_000; count += 1) socket.write('x');
    // The link says nothing about it: that is the work of the question for the time, which is not answered.
    await new Promise((resolve) => socket.write('x', resolve));
    expect(link.all('disconnected')).toHaveLength(0);
  });
});

describe('a handshake that is none', () => {
  const greetings: readonly [what: string, manners: Manners, told: 'disconnected' | 'notice', why: RegExp][] =
    [
      ['no number', { greeting: ['gateway', 'now'] }, 'disconnected', /no server version/],
      ['nothing', { greeting: [''] }, 'disconnected', /no server version/],
      ['negative', { greeting: ['-193', 'now'] }, 'disconnected', /no server version/],
      [
        'bytes of another protocol',
        { greeting: Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n') },
        'disconnected',
        /length of/,
      ],
      ['too old', { greeting: ['99', 'now'] }, 'notice', /Unsupported Version 99/],
      ['too new', { greeting: ['201', 'now'] }, 'notice', /Unsupported Version 201/],
      ['an order id that is none', { nextValidId: 'abc' }, 'disconnected', /nextValidId is NaN/],
      ['a negative order id', { nextValidId: -5 }, 'disconnected', /nextValidId is -5/],
      [
        'an order id among those of our requests',
        { nextValidId: 2 ** 31 - 1 },
        'disconnected',
        /nextValidId is 2147483647/,
      ],
    ];
  it.each(greetings)('%s', async (_, manners, told, why) => {
    const link = await WatchedLink.open(manners);
    open.push(link);
    const [, message] = await link.until(told);
    expect(message).toMatch(why);
    expect(link.all('ready')).toHaveLength(0);
  });

  it('accounts that are no ids are left out', async () => {
    const link = await ready({ accounts: `DU1234567,\x1b[31mDU2,${'x'.repeat(500)},,DU 3, DU4` });
    expect(link.all('ready')[0]).toEqual([193, ['DU1234567', 'DU4']]);
  });

  it('a handshake that begins again and again makes one session', async () => {
    const link = await ready();
    const again = Buffer.concat([frame(['193', 'now']), frame([15, 1, 'DU9']), frame([9, 1, 8])]);
    await link.through(Buffer.concat(Array.from({ length: 500 }, () => again)), brokerSeconds + 1);
    expect(link.all('disconnected')).toHaveLength(0);
    expect(link.link.nextValidId).toBe(8);
  });
});

describe('messages that cannot be read', () => {
  it('glued and split anyhow they are the same messages', async () => {
    const link = await ready();
    const bytes = Buffer.concat(sampleNames.map((name) => frame(sample(name, 1_000_000_001))));
    link.told.splice(0);
    await link.through(bytes, brokerSeconds + 1);
    const whole = link.told.splice(0);
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 1, max: bytes.length - 1 }), { maxLength: 60 }),
        async (cuts) => {
          const { socket } = link.gateway.visits[0]!;
          socket.setNoDelay(true);
          let from = 0;
          for (const cut of [...cuts].sort((a, b) => a - b)) {
            socket.write(bytes.subarray(from, cut));
            await new Promise(setImmediate);
            from = cut;
          }
          link.told.splice(0);
          socket.write(bytes.subarray(from));
          link.gateway.visits[0]!.tell(49, 1, brokerSeconds + 1);
          await link.until('time', ([seconds]) => seconds === brokerSeconds + 1);
        },
      ),
      { numRuns: 10 },
    );
    const { socket } = link.gateway.visits[0]!;
    link.told.splice(0);
    for (const byte of bytes) {
      socket.write(Buffer.of(byte));
      if (byte % 16 === 0) await new Promise(setImmediate);
    }
    link.gateway.visits[0]!.tell(49, 1, brokerSeconds + 1);
    await link.until('time', ([seconds]) => seconds === brokerSeconds + 1);
    expect(link.told).toEqual(whole);
    expect(link.link.wire).toMatchObject({ unreadable: 0, surplus: 0, broken: 0 });
  });

  it('of every kind, cut after every field: told once each, never a fact, and the list is not whole', async () => {
    const link = await ready();
    let mark = brokerSeconds;
    for (const name of sampleNames) {
      const fields = sample(name, 1_000_000_001);
      const cut = fields.slice(1).map((_, index) => frame(fields.slice(0, index + 1)));
      const before = link.told.length;
      mark += 1;
      await link.through(Buffer.concat(cut), mark);
      const told = link.told.slice(before).filter(({ what }) => what !== 'time');
      const faults = told.filter(({ what }) => what === 'fault');
      for (const { args } of faults) expect(args[1]).toMatchObject({ code: 'BROKER_MESSAGE_UNREADABLE' });
      const list = /^(openOrder|orderStatus|execution|commission|completedOrder|position|accountValue)$/.test(
        name,
      );
      if (!list) continue;
      expect(
        told.filter(({ what }) => what === 'fact'),
        name,
      ).toEqual([]);
      expect(told.filter(({ what }) => what === 'unreadable').length, name).toBe(faults.length);
      expect(faults.length, name).toBe(cut.length);
    }
    expect(link.all('disconnected')).toHaveLength(0);
  });

  it('a message with more fields than its kind has is read as far as it is known, and counted', async () => {
    const link = await ready();
    const more = sampleNames.map((name) => frame([...sample(name, 1_000_000_001), 'more', 'and more']));
    await link.through(Buffer.concat(more), brokerSeconds + 1);
    expect(link.link.wire).toMatchObject({ unreadable: 0, surplus: sampleNames.length });
  });

  it('a million empty fields are read in one go: the library moves all of them for each', async () => {
    const link = await ready();
    const many = frame([...sample('position'), ...Array.from({ length: 1_000_000 }, () => '')]);
    await link.through(many, brokerSeconds + 1);
    expect(link.link.wire).toMatchObject({ surplus: 1, unreadable: 0 });
    expect(link.facts).toHaveLength(1);
  });

  it('kinds that nobody listens to are left unread, whatever is in them', async () => {
    const link = await ready();
    const kinds = [0, -1, 7, 8, 18, 20, 77, 93, 96, 106, 200, 2 ** 31, 'x', '', '1e1', '0x5', ' 5', '05'];
    const counts = [-1, 33_554_432, 4_294_967_295, 'NaN'];
    const bytes = kinds.flatMap((kind) =>
      counts.map((count) => frame([kind, 1, count, count, count, count])),
    );
    await link.through(Buffer.concat(bytes), brokerSeconds + 1);
    expect(link.link.wire).toMatchObject({ ignored: kinds.length * counts.length, unreadable: 0 });
    expect(link.facts).toEqual([]);
  });

  it('JSON of a refusal that is none does not throw, and the refusal is told', async () => {
    const link = await ready();
    const json = ['{"a":', '[[[['.repeat(2_000), '\\u007b\\u0022', 'null', '"', '\\u00'];
    const bytes = json.map((text) => frame([4, 2, 77, 201, 'refused', text]));
    await link.through(Buffer.concat(bytes), brokerSeconds + 1);
    expect(link.all('requestError')).toEqual(json.map(() => [77, 201, 'refused']));
  });

  it('counts that would allocate or throw: the message is left out', async () => {
    const link = await ready();
    const order = sample('openOrder');
    // How many conditions the order has, before the word None.
    const at = order.lastIndexOf('None') - 1;
    const bytes = ['4294967296', '4294967295', '-1', '1e9'].map((count) => frame(order.with(at, count)));
    await link.through(Buffer.concat(bytes), brokerSeconds + 1);
    // A count of -1 is none, and that of 1e9 is read as one condition, which is not there.
    expect(link.link.wire.unreadable).toBe(3);
    expect(link.all('unreadable')).toEqual([['open-orders'], ['open-orders'], ['open-orders']]);
  });

  it('a field that is no number, in the place of each field of each kind, makes no fact of nonsense', async () => {
    const link = await ready();
    let mark = brokerSeconds;
    for (const name of sampleNames) {
      if (name === 'nextValidId') continue;
      const count = sample(name).length;
      const places = Array.from({ length: count - 1 }, (_, index) => index + 1);
      const nasty = places.flatMap((at) =>
        [...numbers, ...texts].map((value) => frame(withField(name, at, value))),
      );
      // Within what the link takes in a minute of notices.
      const few = name === 'error' ? nasty.slice(0, 100) : nasty;
      mark += 1;
      await link.through(Buffer.concat(few), mark);
    }
    expect(link.all('disconnected')).toEqual([]);
    expect(link.facts.length).toBeGreaterThan(1_000);
    expectSane(link);
    for (const [seconds] of link.all('time')) expect(Number.isSafeInteger(seconds)).toBe(true);
    for (const [, details] of link.all('contract')) {
      const instrument = choose('GC', [details as ContractDetails], brokerSeconds * 1_000, 3);
      if (instrument !== undefined) catalogue['instrument.resolved'].schema.parse(instrument);
      expect(JSON.stringify(instrument)).not.toMatch(/\\u00[01]|\u202e/);
    }
    for (const [, , message] of link.all('requestError')) expect(message).not.toMatch(/[\p{Cc}\u202e]/u);
  });

  it('an execution without a size, with a negative one or without a number is no fill', async () => {
    const link = await ready();
    const at = sample('execution').indexOf('BOT') + 1;
    for (const size of ['', '0', '-1', 'abc', 'NaN', '1e999']) {
      link.gateway.visits[0]!.tell(...withField('execution', at, size));
    }
    await link.through(frame(sample('execution')), brokerSeconds + 1);
    expect(link.facts).toHaveLength(1);
    expect(link.facts[0]).toMatchObject({ kind: 'execution', quantity: '1' });
  });

  it('cash with an exponent that would be a text of a gigabyte is no cash', async () => {
    const link = await ready();
    const values = ['1e999999999', `${'9'.repeat(5_000)}`, 'abc', '', '1e-999999999'];
    const bytes = values.map((value) => frame(withField('accountValue', 3, value)));
    await link.through(Buffer.concat(bytes), brokerSeconds + 1);
    expect(link.facts).toEqual([]);
    expect(link.all('unreadable')).toHaveLength(values.length);
  });
});

describe('too much of it', () => {
  it('200,000 messages that nobody asked for are taken in, and nothing is told of them', async () => {
    const link = await ready();
    const some = frame([1, 6, 77, 1, 2700.5, 3, 0]);
    const bytes = Buffer.alloc(some.length * 1_000);
    for (let at = 0; at < bytes.length; at += some.length) some.copy(bytes, at);
    const { socket } = link.gateway.visits[0]!;
    link.told.splice(0);
    let turns = 0;
    const counting = setInterval(() => {
      turns += 1;
      // What is kept by this test is not what is looked at.
      link.told.splice(0);
    }, 1);
    for (let count = 0; count < 200; count += 1) {
      if (!socket.write(bytes)) await new Promise((resolve) => socket.once('drain', resolve));
    }
    await link.through(Buffer.alloc(0), brokerSeconds + 1);
    clearInterval(counting);
    // The event loop went on all the while.
    expect(turns).toBeGreaterThan(3);
  });

  it('notices without end end the connection', async () => {
    const link = await ready();
    const flip = Buffer.concat([frame([4, 2, -1, 1100, 'lost', '']), frame([4, 2, -1, 1101, 'back', ''])]);
    link.gateway.visits[0]!.bytes(Buffer.concat(Array.from({ length: 5_000 }, () => flip)));
    expect((await link.until('disconnected'))[1]).toMatch(/without end/);
    expect(link.all('notice').length).toBeLessThan(4_000);
  });

  it('a gateway of which nothing can be read is not spoken with for ever', async () => {
    const link = await ready();
    const bytes = frame([61, 3]);
    link.gateway.visits[0]!.bytes(Buffer.concat(Array.from({ length: 20_000 }, () => bytes)));
    expect((await link.until('disconnected'))[1]).toMatch(/could not be read|cannot be read/);
  });
});

it('fuzz: bytes from a seed, in frames and out of them; each connection goes on or ends, and no fact is nonsense', async () => {
  const piece = fc.oneof(
    { weight: 4, arbitrary: fuzzedMessage() },
    {
      weight: 1,
      arbitrary: fc
        .uint8Array({ maxLength: 200 })
        .map((bytes) => frame([Buffer.from(bytes).toString('latin1')])),
    },
  );
  await fc.assert(
    fc.asyncProperty(
      fc.array(piece, { minLength: 20, maxLength: 200 }),
      fc.uint8Array({ maxLength: 64 }),
      async (pieces, junk) => {
        const link = await WatchedLink.ready();
        try {
          await link.through(Buffer.concat(pieces), brokerSeconds + 1);
          expectSane(link);
          // Then bytes that are in no frame: the end of it, or a wait for more.
          link.gateway.visits[0]!.bytes(Buffer.from(junk));
          link.gateway.visits[0]!.bytes(Buffer.from([0xff, 0xff, 0xff, 0xff]));
          link.gateway.visits[0]!.socket.end();
          await link.until('disconnected');
        } finally {
          link.close();
        }
      },
    ),
    { numRuns: 25 },
  );
});

function fuzzedMessage(): fc.Arbitrary<Buffer> {
  const value = fc.oneof(
    fc.constantFrom(...numbers, ...texts, ''),
    fc.string({ maxLength: 20 }).filter((text) => !text.includes('\0')),
    fc.double().map(String),
  );
  const edit = fc.record({ at: fc.nat(150), value, cut: fc.boolean() });
  return fc
    .tuple(
      fc.constantFrom(...sampleNames.filter((name) => name !== 'nextValidId')),
      fc.array(edit, { maxLength: 4 }),
    )
    .map(([name, edits]) => {
      let fields: Fields = sample(name, 1_000_000_001);
      for (const { at, value: text, cut } of edits) {
        const place = 1 + (at % Math.max(1, fields.length - 1));
        fields = cut
          ? fields.slice(0, place + 1)
          : (fields as string[]).with(Math.min(place, fields.length - 1), text);
      }
      return frame(fields);
    });
}
