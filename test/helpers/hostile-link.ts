/** The real link to the gateway, with everything that it tells kept, against a gateway that means harm. */
import type { BrokerFact } from '../../lib/domain/orders/broker-facts.ts';
import { BrokerLink } from '../../streamer/broker-link.ts';
import type { LinkListener } from '../../streamer/broker-link-types.ts';
import { HostileGateway, type Manners } from './hostile-gateway.ts';

export interface Told {
  readonly what: keyof LinkListener;
  readonly args: readonly unknown[];
}

export class WatchedLink {
  readonly gateway: HostileGateway;
  readonly link: BrokerLink;
  readonly told: Told[] = [];
  readonly #waiting = new Set<(news: Told) => void>();

  private constructor(gateway: HostileGateway) {
    this.gateway = gateway;
    const listener = new Proxy({} as LinkListener, {
      get:
        (_, what: keyof LinkListener) =>
        (...args: unknown[]) => {
          const news = { what, args };
          this.told.push(news);
          for (const look of this.#waiting) look(news);
        },
    });
    const target = {
      host: '127.0.0.1',
      port: gateway.port,
      clientId: 1,
      maxRequestsPerSecond: 40,
      timeZone: 'America/New_York',
    };
    this.link = new BrokerLink(target, listener, () => true);
  }

  static async open(manners: Manners = {}): Promise<WatchedLink> {
    const watched = new WatchedLink(await HostileGateway.start(manners));
    watched.link.open();
    return watched;
  }

  /** Opened and through its handshake; the gateway's own attack begins with `link.requestTime()`. */
  static async ready(manners: Manners = {}): Promise<WatchedLink> {
    const watched = await WatchedLink.open(manners);
    await watched.until('ready');
    return watched;
  }

  all(what: keyof LinkListener): readonly (readonly unknown[])[] {
    return this.told.filter((each) => each.what === what).map(({ args }) => args);
  }

  get facts(): readonly BrokerFact[] {
    return this.all('fact').map(([fact]) => fact as BrokerFact);
  }

  /** The arguments of the first that fits, among those told and to come. */
  until(
    what: keyof LinkListener,
    fits: (args: readonly unknown[]) => boolean = () => true,
  ): Promise<readonly unknown[]> {
    const known = this.all(what).find(fits);
    if (known !== undefined) return Promise.resolve(known);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(look);
        reject(new Error(`waited 10 s for ${what}; told: ${JSON.stringify(this.told).slice(0, 2_000)}`));
      }, 10_000);
      // The newest alone: there may be thousands.
      const look = (news: Told): void => {
        if (news.what !== what || !fits(news.args)) return;
        clearTimeout(timer);
        this.#waiting.delete(look);
        resolve(news.args);
      };
      this.#waiting.add(look);
    });
  }

  /** Sends these bytes, then one honest answer: when it has come, everything before it was taken in. */
  async through(bytes: Buffer, mark: number): Promise<void> {
    const visit = this.gateway.visits.at(-1)!;
    visit.bytes(bytes);
    visit.tell(49, 1, mark);
    await this.until('time', ([seconds]) => seconds === mark);
  }

  close(): void {
    this.link.close();
    this.gateway.stop();
  }
}
