/** Reads the fields of a client's message one after the other. */
import { ProtocolError } from './frame.ts';

/** The contract of a request, as the client wrote it. */
export interface RequestContract {
  readonly conId: number;
  readonly symbol: string;
  readonly secType: string;
  readonly expiry: string;
  readonly exchange: string;
  readonly currency: string;
  readonly localSymbol: string;
  readonly tradingClass: string;
}

export class Fields {
  readonly #fields: readonly string[];
  #next = 0;

  constructor(fields: readonly string[]) {
    this.#fields = fields;
  }

  text(): string {
    const value = this.#fields[this.#next];
    if (value === undefined) {
      throw new ProtocolError(`message ${this.#fields[0]} ends after ${this.#fields.length} fields`);
    }
    this.#next += 1;
    return value;
  }

  /** A whole number; an empty field is 0, as clients send it for "not given". */
  integer(): number {
    const value = this.text();
    if (!/^-?\d{0,15}$/.test(value) || value === '-') {
      throw new ProtocolError(
        `field ${this.#next} of message ${this.#fields[0]?.slice(0, 20)} is ${JSON.stringify(value.slice(0, 40))}, not a number`,
      );
    }
    return Number(value);
  }

  flag(): boolean {
    const value = this.text();
    return value === '1' || value.toLowerCase() === 'true';
  }

  /** How many fields are left. */
  get left(): number {
    return this.#fields.length - this.#next;
  }

  skip(count: number): this {
    for (let index = 0; index < count; index += 1) this.text();
    return this;
  }

  /** The twelve contract fields that requests share. */
  contract(): RequestContract {
    const conId = this.integer();
    const symbol = this.text();
    const secType = this.text();
    const expiry = this.text();
    this.skip(3); // strike, right, multiplier
    const exchange = this.text();
    this.skip(1); // primary exchange
    const currency = this.text();
    const localSymbol = this.text();
    const tradingClass = this.text();
    return { conId, symbol, secType, expiry, exchange, currency, localSymbol, tradingClass };
  }
}
