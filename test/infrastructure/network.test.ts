import { Match } from 'aws-cdk-lib/assertions';
import { describe, expect, it } from 'vitest';
import { stages } from '../../lib/events/stage.ts';
import { ofType, stageTemplates } from '../helpers/stage-template.ts';
import { containerOf } from '../helpers/template-parts.ts';

const templates = await stageTemplates();

describe.each(stages)('the network of stage %s', (stage) => {
  const made = templates[stage];

  it('lets nothing in', () => {
    const { template } = made;
    template.resourceCountIs('AWS::EC2::SecurityGroupIngress', 0);
    template.resourceCountIs('AWS::EC2::SecurityGroup', 1);
    template.allResourcesProperties('AWS::EC2::SecurityGroup', { SecurityGroupIngress: Match.absent() });
    template.allResourcesProperties('AWS::ECS::Service', { EnableExecuteCommand: false, LoadBalancers: [] });
    for (const name of ['streamer', 'gateway'])
      expect(containerOf(made, name)).not.toHaveProperty('PortMappings');
  });

  it('lets TCP out, to wherever Interactive Brokers and AWS are', () => {
    made.template.hasResourceProperties('AWS::EC2::SecurityGroup', {
      SecurityGroupEgress: [{ CidrIp: '0.0.0.0/0', IpProtocol: 'tcp', FromPort: 0, ToPort: 65_535 }],
    });
  });

  it('is two public subnets without a NAT gateway or an address that is paid for while unused', () => {
    const { template } = made;
    for (const type of ['AWS::EC2::NatGateway', 'AWS::EC2::EIP'])
      expect([type, ofType(made, type)]).toEqual([type, []]);
    template.resourceCountIs('AWS::EC2::Subnet', 2);
    template.allResourcesProperties('AWS::EC2::Subnet', { MapPublicIpOnLaunch: true });
    template.resourceCountIs('AWS::EC2::FlowLog', 0);
  });

  it('reaches S3 and DynamoDB by gateway endpoints, from both subnets', () => {
    const tables = ofType(made, 'AWS::EC2::RouteTable').map(([id]) => ({ Ref: id }));
    expect(tables).toHaveLength(2);
    for (const service of ['s3', 'dynamodb']) {
      made.template.hasResourceProperties('AWS::EC2::VPCEndpoint', {
        VpcEndpointType: 'Gateway',
        ServiceName: { 'Fn::Join': ['', Match.arrayWith([`.${service}`])] },
        RouteTableIds: tables,
      });
    }
  });
});
