import {
  GatewayVpcEndpointAwsService,
  IpAddresses,
  type IVpc,
  Peer,
  Port,
  SecurityGroup,
  SubnetType,
  Vpc,
} from 'aws-cdk-lib/aws-ec2';
import { Construct } from 'constructs';
import { acknowledgeNoFlowLog } from './acknowledgements.ts';

/**
 * A VPC with public subnets only. The task needs a way out to Interactive Brokers and to AWS, and no way in: a public
 * address without any ingress rule costs nothing, two NAT gateways cost more than all the rest of a stage.
 */
export class Network extends Construct {
  readonly vpc: IVpc;
  /** Way out, no way in. */
  readonly taskSecurityGroup: SecurityGroup;

  constructor(scope: Construct, id: string, name: string) {
    super(scope, id);
    const vpc = new Vpc(this, 'Vpc', {
      vpcName: name,
      ipAddresses: IpAddresses.cidr('10.42.0.0/20'),
      maxAzs: 2,
      natGateways: 0,
      subnetConfiguration: [{ name: 'public', subnetType: SubnetType.PUBLIC, cidrMask: 24 }],
      // It would take a custom resource; nothing here uses the default security group.
      restrictDefaultSecurityGroup: false,
      // Free, and keeps image layers and table traffic off the internet.
      gatewayEndpoints: {
        S3: { service: GatewayVpcEndpointAwsService.S3 },
        DynamoDB: { service: GatewayVpcEndpointAwsService.DYNAMODB },
      },
    });
    acknowledgeNoFlowLog(vpc);
    // The library's own types do not fit exactOptionalPropertyTypes, here and for the cluster.
    this.vpc = vpc as IVpc;
    this.taskSecurityGroup = new SecurityGroup(this, 'TaskSecurityGroup', {
      vpc: this.vpc,
      securityGroupName: `${name}-task`,
      description: 'Streamer task: way out to Interactive Brokers and AWS, no way in',
      allowAllOutbound: false,
    });
    // IB Gateway logs in on 4000 and 4001 and other ports that IB does not promise to keep; AWS is on 443.
    this.taskSecurityGroup.addEgressRule(Peer.anyIpv4(), Port.allTcp(), 'Interactive Brokers and AWS');
  }
}
