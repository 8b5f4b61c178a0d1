/** Physical names of a stage: `evenkeel-<stage>-<thing>`, as lib/stacks gives them. */
export interface StageNames {
  readonly bookTable: string;
  readonly auditTable: string;
  readonly controlTable: string;
  readonly candlesTable: string;
  readonly bookQueue: string;
  readonly bookDeadLetters: string;
  readonly candleDeadLetters: string;
  readonly commandQueue: (streamer: string) => string;
  readonly commandDeadLetters: (streamer: string) => string;
  readonly snapshotBucket: (awsAccount: string, region: string) => string;
  readonly archiveBucket: (awsAccount: string, region: string) => string;
  readonly backupBucket: (awsAccount: string, region: string) => string;
  readonly reconcileBucket: (awsAccount: string, region: string) => string;
  readonly backupFunction: string;
  readonly reconcileFunction: string;
  readonly applyPlanFunction: string;
  readonly alertsFunction: string;
  /** Names of a drill's scratch tables begin so. */
  readonly drillPrefix: string;
  readonly logGroup: (part: string) => string;
}

export function stageNames(stage: string): StageNames {
  const prefix = `evenkeel-${stage}`;
  return {
    bookTable: `${prefix}-book`,
    auditTable: `${prefix}-audit`,
    controlTable: `${prefix}-control`,
    candlesTable: `${prefix}-candles`,
    bookQueue: `${prefix}-book.fifo`,
    bookDeadLetters: `${prefix}-book-dlq.fifo`,
    candleDeadLetters: `${prefix}-candle-keeper-dlq`,
    commandQueue: (streamer) => `${prefix}-orders-${streamer}.fifo`,
    commandDeadLetters: (streamer) => `${prefix}-orders-${streamer}-dlq.fifo`,
    snapshotBucket: (awsAccount, region) => `${prefix}-snapshots-${awsAccount}-${region}`,
    archiveBucket: (awsAccount, region) => `${prefix}-archive-${awsAccount}-${region}`,
    backupBucket: (awsAccount, region) => `${prefix}-backups-${awsAccount}-${region}`,
    reconcileBucket: (awsAccount, region) => `${prefix}-reconcile-${awsAccount}-${region}`,
    backupFunction: `${prefix}-backup`,
    reconcileFunction: `${prefix}-reconcile`,
    applyPlanFunction: `${prefix}-apply-plan`,
    alertsFunction: `${prefix}-alerts`,
    drillPrefix: `${prefix}-drill-`,
    logGroup: (part) => `/${prefix}/${part}`,
  };
}
