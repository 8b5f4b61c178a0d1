/** What an operator asks AWS about a stage itself, not about its book. */

export interface Identity {
  /** AWS account id. */
  readonly account: string;
  readonly arn: string;
  /** This machine's clock minus that of AWS, milliseconds; null where the answer had no usable time. */
  readonly clockSkewMs: number | null;
}

export interface IdentityProbe {
  whoAmI(): Promise<Identity>;
}

export interface QueueDepth {
  readonly waiting: number;
  /** Received and not yet deleted. */
  readonly inFlight: number;
}

export interface QueueProbe {
  /** Undefined where there is no such queue. Counts are approximate, as SQS gives them. */
  depth(name: string): Promise<QueueDepth | undefined>;
}

export interface TableProbe {
  /** DynamoDB's word, `ACTIVE` when it can be used; undefined where there is no such table. */
  status(name: string): Promise<string | undefined>;
}
