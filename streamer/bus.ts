/**
 * The in-process bus for embedded users and the console: typed events, sync and async handlers. A handler that fails
 * or hangs never harms another one, nor the streamer; it is counted and told.
 */
export type Handler<T> = (payload: T) => void | Promise<void>;

export interface BusConfig {
  /** Events kept for late-comers; 0 keeps none. */
  readonly historySize: number;
  readonly onHandlerError: (type: string, error: unknown) => void;
}

export interface BusStats {
  readonly emitted: number;
  readonly handlerErrors: number;
  readonly subscribers: number;
  readonly history: number;
}

export const HISTORY_DEFAULT = 1_000;

/** `Events` maps each event's name to its payload. */
export class EventBus<Events extends object> {
  readonly #config: BusConfig;
  readonly #handlers = new Map<keyof Events, Set<Handler<never>>>();
  readonly #history: { type: keyof Events; payload: unknown }[] = [];
  #emitted = 0;
  #handlerErrors = 0;

  constructor(config: BusConfig) {
    this.#config = config;
  }

  /** Adds a handler; the function that is returned takes it away again. */
  subscribe<K extends keyof Events>(type: K, handler: Handler<Events[K]>): () => void {
    let handlers = this.#handlers.get(type);
    if (!handlers) {
      handlers = new Set();
      this.#handlers.set(type, handlers);
    }
    const own = handlers;
    own.add(handler as Handler<never>);
    return () => {
      own.delete(handler as Handler<never>);
    };
  }

  /** True when somebody listens: events that cost something to make are made only then. */
  wanted(type: keyof Events): boolean {
    return (this.#handlers.get(type)?.size ?? 0) > 0;
  }

  /** Tells every handler and returns at once; async handlers run on. */
  emit<K extends keyof Events>(type: K, payload: Events[K]): void {
    for (const settled of this.#call(type, payload)) void settled;
  }

  /** Tells every handler and waits for all of them; for events that must have been taken in before going on. */
  async emitAndWait<K extends keyof Events>(type: K, payload: Events[K]): Promise<void> {
    await Promise.all(this.#call(type, payload));
  }

  /** The last events, oldest first. */
  history(): readonly { readonly type: keyof Events; readonly payload: unknown }[] {
    return [...this.#history];
  }

  stats(): BusStats {
    let subscribers = 0;
    for (const handlers of this.#handlers.values()) subscribers += handlers.size;
    return {
      emitted: this.#emitted,
      handlerErrors: this.#handlerErrors,
      subscribers,
      history: this.#history.length,
    };
  }

  #call<K extends keyof Events>(type: K, payload: Events[K]): Promise<void>[] {
    this.#emitted += 1;
    if (this.#config.historySize > 0) {
      this.#history.push({ type, payload });
      if (this.#history.length > this.#config.historySize) this.#history.shift();
    }
    const handlers = this.#handlers.get(type);
    if (!handlers) return [];
    return [...handlers].map((handler) => this.#guard(type, handler as Handler<Events[K]>, payload));
  }

  async #guard<T>(type: keyof Events, handler: Handler<T>, payload: T): Promise<void> {
    try {
      await handler(payload);
    } catch (error) {
      this.#handlerErrors += 1;
      this.#config.onHandlerError(String(type), error);
    }
  }
}
