/** The simulated gateway on the bare socket: server versions, hostile bytes, limits. */
import { afterEach, describe, expect, it } from 'vitest';
import { type Gateway, type GatewayOptions, startGateway } from '../../sandbox/gateway/index.ts';
import { mulberry32 } from '../../sandbox/tapes/generate.ts';
import { RawClient, sleep } from '../helpers/gateway-client.ts';

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function gatewayWith(options: GatewayOptions = {}): Promise<{ gateway: Gateway; log: string[] }> {
  const log: string[] = [];
  const gateway = await startGateway({
    port: 0,
    seed: 1,
    speed: 'max',
    log: (text) => log.push(text),
    ...options,
  });
  closing.push(() => gateway.stop());
  return { gateway, log };
}
async function started(gateway: Gateway, versions: string, clientId: number): Promise<RawClient> {
  const client = await RawClient.start(gateway.port, versions, clientId);
  closing.push(() => client.socket.destroy());
  return client;
}
async function opened(gateway: Gateway): Promise<RawClient> {
  const client = await RawClient.open(gateway.port);
  closing.push(() => client.socket.destroy());
  return client;
}
/** Says hello first, then does its worst. */
const greeted = (attack: (client: RawClient) => unknown) => (client: RawClient) => {
  client.hello('v100..193');
  attack(client);
};
const conIdOf = (gateway: Gateway) => gateway.tape.contracts[0]!.conId;
const contractFields = (conId: number) => [conId, '', '', '', '', '', '', 'SMART', '', '', '', ''];

describe('server versions', () => {
  it.each([
    ['v100..178', 178],
    ['v157..178', 178],
    ['v157..178 +PACEAPI', 178],
    ['v100..193', 193],
    ['v100..201', 193],
    ['v173..173', 173],
    ['v100..157', 157],
  ])('%s is served at %i, each client at its own', async (versions, expected) => {
    const { gateway } = await gatewayWith();
    const client = await started(gateway, versions, 1);
    const other = await started(gateway, 'v100..176', 2);
    expect(client.frames[0]![0]).toBe(String(expected));
    expect(client.frames[0]![1]).toMatch(/^20260105 09:30:\d\d EST$/);
    expect(client.frames.slice(1, 3)).toEqual([
      ['15', '1', 'DU1234567'],
      ['9', '1', '1'],
    ]);
    const notice = await client.frame((fields) => fields[3] === '2158');
    expect(notice.length).toBe(expected >= 166 ? 6 : 5);
    expect(gateway.status().clients.map(({ serverVersion }) => serverVersion)).toEqual([expected, 176]);
    expect(other.frames[0]![0]).toBe('176');
  });

  it.each(['v194..210', 'v100..156', 'v50'])(
    '%s does not overlap: an error, then the end',
    async (versions) => {
      const { gateway, log } = await gatewayWith();
      const client = await opened(gateway);
      client.hello(versions);
      const error = await client.frame((fields) => fields[0] === '4');
      expect(error.slice(2, 5)).toEqual([
        '-1',
        '506',
        expect.stringContaining('this gateway speaks 157 to 193'),
      ]);
      await client.end();
      expect(log.at(-1)).toContain('server versions do not overlap');
    },
  );

  it('a version 178 client gets its ticks, history and contract in the layouts of 178', async () => {
    const { gateway } = await gatewayWith();
    const client = await started(gateway, 'v100..178', 1);
    client.send(9, 8, 5, ...contractFields(conIdOf(gateway)), '', '', '', '');
    const details = await client.frame((fields) => fields[0] === '10');
    // No version (164), no second last trade date (182), no ineligibility reasons (186): 40 fields for a future.
    expect(details.length).toBe(40);
    client.send(59, 1, 1);
    client.send(1, 11, 2, ...contractFields(conIdOf(gateway)), 0, '233', 0, 0, '');
    const print = await client.frame((fields) => fields[0] === '46');
    expect(print[4]).toMatch(/^27\d\d(\.\d)?;\d+\.0{16};\d{13};\d+\.0{16};[\d.]+;true$/);
    client.send(20, 4, ...contractFields(conIdOf(gateway)), 0, '', '1 min', '3600 S', 0, 'TRADES', 2, 0, '');
    const bars = await client.frame((fields) => fields[0] === '17');
    expect(bars[2]).toMatch(/ US\/Eastern$/);
    expect(bars.length).toBe(5 + 8 * Number(bars[4]));
  });

  it('a version 157 client gets whole sizes in RTVolume and dates without zones', async () => {
    const { gateway } = await gatewayWith();
    const client = await started(gateway, 'v100..157', 1);
    client.send(1, 11, 2, ...contractFields(conIdOf(gateway)), 0, '233', 0, 0, '');
    const print = await client.frame((fields) => fields[0] === '46');
    expect(print[4]).toMatch(/^[\d.]+;\d+;\d{13};\d+;[\d.]+;true$/);
    client.send(20, 4, ...contractFields(conIdOf(gateway)), 0, '', '1 min', '3600 S', 0, 'TRADES', 1, 0, '');
    const bars = await client.frame((fields) => fields[0] === '17');
    expect([bars[2], bars[5]]).toEqual([
      expect.stringMatching(/^\d{8} {2}[\d:]{8}$/),
      expect.stringMatching(/^\d{8} {2}[\d:]{8}$/),
    ]);
  });
});

describe('bad and hostile clients are closed with a reason, and nobody else is harmed', () => {
  it.each([
    [
      'an HTTP request',
      (client: RawClient) => client.socket.write('GET / HTTP/1.1\r\n\r\n'),
      'not the hello',
    ],
    ['a request before startApi', greeted((client) => client.send(49, 1)), 'before startApi'],
    [
      'a negative frame length',
      greeted((client) => client.socket.write(Buffer.from([255, 255, 255, 255]))),
      'length of -1',
    ],
    [
      'a huge frame length',
      greeted((client) => client.socket.write(Buffer.from([127, 0, 0, 0]))),
      'length of 2130706432',
    ],
    ['a client id that is no number', greeted((client) => client.send(71, 2, 'seven', '')), 'not a number'],
    ['a negative client id', greeted((client) => client.send(71, 2, -3, '')), 'is negative'],
  ])('%s', async (_name, attack, reason) => {
    const { gateway, log } = await gatewayWith();
    const good = await started(gateway, 'v100..193', 1);
    const bad = await opened(gateway);
    attack(bad);
    await bad.end();
    expect(log.join('\n')).toContain(reason);
    good.send(49, 1);
    await good.frame((fields) => fields[0] === '49');
    expect(gateway.status().counters.protocolErrors).toBe(1);
  });

  it.each([
    ['a request cut short', [1, 11, 2, 3], 'ends after 4 fields'],
    ['a text where a number belongs', [1, 11, 'x'], 'not a number'],
    ['an unended history request', [20, 4, 5], 'ends after 3 fields'],
  ])('%s', async (_name, fields, reason) => {
    const { gateway, log } = await gatewayWith();
    const bad = await started(gateway, 'v100..193', 1);
    bad.send(...fields);
    await bad.end();
    expect(log.join('\n')).toContain(reason);
  });

  it('a message that the gateway does not know gets an error and the connection stays', async () => {
    const { gateway } = await gatewayWith();
    const client = await started(gateway, 'v100..193', 1);
    client.send(999, 1);
    const error = await client.frame((fields) => fields[3] === '320');
    expect(error[4]).toContain('does not serve message 999');
    client.send(49, 1);
    await client.frame((fields) => fields[0] === '49');
    expect(gateway.status().counters.unknownRequests).toBe(1);
  });

  it('random bytes and random requests from many clients: the gateway still serves', async () => {
    const { gateway, log } = await gatewayWith({ messagesPerSecond: 100_000 });
    const random = mulberry32(42);
    const ids = [
      1, 2, 3, 4, 5, 6, 7, 8, 9, 14, 15, 16, 17, 20, 25, 49, 50, 51, 58, 59, 61, 62, 87, 91, 92, 97, 98, 99,
    ];
    const words = [
      '',
      '0',
      '1',
      '-1',
      'x',
      '99999999999999',
      String(conIdOf(gateway)),
      'TRADES',
      '20260105-15:00:00',
      '1 min',
      '1 D',
      '\u{1F600}',
      'GC',
    ];
    const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)]!;
    for (let round = 0; round < 60; round += 1) {
      const client = await started(gateway, `v100..${157 + Math.floor(random() * 37)}`, 100 + round);
      for (let message = 0; message < 20; message += 1) {
        client.send(pick(ids), ...Array.from({ length: Math.floor(random() * 30) }, () => pick(words)));
      }
      if (round % 3 === 0)
        client.socket.write(Buffer.from(Array.from({ length: 64 }, () => Math.floor(random() * 256))));
      await sleep(5);
      client.socket.destroy();
    }
    expect(log.filter((text) => text.includes('internal error'))).toEqual([]);
    const last = await started(gateway, 'v100..193', 1);
    last.send(49, 1);
    await last.frame((fields) => fields[0] === '49');
  });
});

describe('limits', () => {
  it('more than 50 messages in a second get error 100; the third breach ends the connection', async () => {
    const { gateway, log } = await gatewayWith();
    const client = await started(gateway, 'v100..193', 1);
    await sleep(1_050); // startApi counts too
    for (let index = 0; index < 50; index += 1) client.send(49, 1);
    await client.frame(() => client.frames.filter(([id]) => id === '49').length === 50);
    expect(client.frames.some((fields) => fields[3] === '100')).toBe(false);
    client.send(49, 1);
    const error = await client.frame((fields) => fields[3] === '100');
    expect(error[4]).toBe('Max rate of messages per second has been exceeded.');
    for (let index = 0; index < 102; index += 1) client.send(49, 1);
    await client.end();
    expect(client.frames.filter((fields) => fields[3] === '100').length).toBe(3);
    expect(log.at(-1)).toContain('exceeded the message rate three times');
  });

  it('a client beyond the limit is accepted and closed', async () => {
    const { gateway } = await gatewayWith({ clientLimit: 2 });
    await started(gateway, 'v100..193', 1);
    await started(gateway, 'v100..193', 2);
    const third = await opened(gateway);
    await third.end();
    expect(third.bytes).toBe(0);
  });

  it('a client that stops reading holds the tape at full speed and never fills memory; when it reads, nothing is lost', async () => {
    const { gateway } = await gatewayWith({ tape: bigTape() });
    const client = await started(gateway, 'v100..193', 1);
    client.send(1, 11, 2, ...contractFields(conIdOf(gateway)), 0, '233', 0, 0, '');
    await client.frame((fields) => fields[0] === '46');
    client.socket.pause();
    // Until the sockets' buffers are full; on a busy machine that takes its time.
    const played = () => gateway.status().ticksPlayed;
    let held = -1;
    for (let round = 0; round < 20 && played() !== held; round += 1) {
      held = played();
      await sleep(300);
    }
    expect(played()).toBe(held);
    expect(held).toBeLessThan(100_000);
    client.socket.resume();
    while (!(gateway.status().ended && client.frames.at(-1)?.at(-1) === '100000')) await sleep(20);
    expect(client.frames.filter(([id]) => id === '46').length).toBe(100_000);
  });
});

/** 100,000 trades: some 15 MB on the wire, more than the sockets' buffers hold. */
function bigTape() {
  const rows = Array.from({ length: 100_000 }, (_, index) => ({
    timeMs: Date.parse('2026-01-05T15:00:00Z') + index * 10,
    symbol: 'GCG6',
    price: '2700.5',
    size: '1',
    kind: 'trade' as const,
    line: index + 2,
  }));
  return {
    file: 'big',
    rows,
    contracts: [
      {
        conId: 1,
        symbol: 'GC',
        localSymbol: 'GCG6',
        secType: 'FUT' as const,
        exchange: 'COMEX',
        primaryExchange: '',
        currency: 'USD',
        multiplier: '100',
        minTick: '0.1',
        tradingClass: 'GC',
        longName: 'Gold',
        timeZone: 'US/Eastern',
        tradingHours: '',
        liquidHours: '',
        derived: true,
      },
    ],
  };
}
