/** The Sources of events. Apart from the envelope, so that who only sends needs no schemas. */

/** The Source of everything that a streamer puts on the bus. */
export const streamerSource = 'evenkeel.streamer';

/** The Source of what the book-keeper raises. */
export const bookKeeperSource = 'evenkeel.book-keeper';

/** The Sources of what is said of backups, restore drills and the archive. */
export const backupSource = 'evenkeel.backup';
export const drillSource = 'evenkeel.drill';
export const archiveSource = 'evenkeel.archive';

/** The Source of what a run of reconcile says. */
export const reconcileSource = 'evenkeel.reconcile';

/** The Source of what is said of plans that are approved, applied or refused. */
export const applyPlanSource = 'evenkeel.apply-plan';

/** The Source of what the watchdog raises. */
export const watchdogSource = 'evenkeel.watchdog';

/** `account` of a notice that concerns the whole stage. */
export const wholeStage = '*';
