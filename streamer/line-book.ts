import type { SymbolConfig } from '../config/schema.ts';
import { nameOf, queriesFor } from './contract-query.ts';
import { createLine, type Line } from './line.ts';

/** The configured lines, and which of them a message of the gateway is about. */
export class LineBook {
  readonly all: readonly Line[];
  /** By the request ids of the subscriptions that stand. */
  readonly ofSubscription = new Map<number, Line>();

  constructor(symbols: readonly SymbolConfig[]) {
    this.all = symbols.map((symbol, index) => createLine(index, symbol, nameOf(symbol), queriesFor(symbol)));
  }

  /** The line whose question for its contract is out under this request id. */
  ofQuery(reqId: number): Line | undefined {
    return this.all.find((line) => line.queryReqId === reqId);
  }

  ofInstrument(conId: number): Line | undefined {
    return this.all.find((line) => line.instrument?.conId === conId);
  }
}
