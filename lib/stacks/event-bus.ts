import { Duration, type RemovalPolicy } from 'aws-cdk-lib';
import { Archive, EventBus } from 'aws-cdk-lib/aws-events';
import { Construct } from 'constructs';

/** The Source of a streamer's events; a test keeps it equal to the one of the event catalogue. */
export const streamerSource = 'evenkeel.streamer';

export interface StageEventBusProps {
  readonly name: string;
  readonly archiveDays: number;
  readonly removalPolicy: RemovalPolicy;
}

/** The bus that everything meets on, and its archive. */
export class StageEventBus extends Construct {
  readonly bus: EventBus;

  constructor(scope: Construct, id: string, { name, archiveDays, removalPolicy }: StageEventBusProps) {
    super(scope, id);
    this.bus = new EventBus(this, 'Bus', {
      eventBusName: name,
      description: 'Events of the Evenkeel streamer',
    });
    this.bus.applyRemovalPolicy(removalPolicy);
    const archive = new Archive(this, 'Archive', {
      archiveName: `${name}-archive`,
      description: 'Every event of the streamer, to replay into a new or repaired rule target',
      sourceEventBus: this.bus,
      eventPattern: { source: [streamerSource] },
      retention: Duration.days(archiveDays),
    });
    archive.applyRemovalPolicy(removalPolicy);
  }
}
