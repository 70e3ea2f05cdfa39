"""AWS's emulator moto with the gaps closed that matter for a swarm's stack. A test double: not AWS.

usage: emulator.py PORT (0 for any that is free)
"""

import sys
import traceback

import moto.cloudformation.parsing as parsing
from moto.autoscaling import responses as autoscaling_responses
from moto.autoscaling.models import FakeAutoScalingGroup, autoscaling_backends
import yaml
from moto.cloudformation import models as cloudformation_models
from moto.cloudformation import responses as cloudformation_responses
from moto.cloudwatch import models as cloudwatch_models
from moto.cloudwatch.models import cloudwatch_backends
from moto.core.common_models import CloudFormationModel
from moto.ec2.models import ec2_backends
from moto.ec2.models.elastic_block_store import Volume
from moto.ec2.models.internet_gateways import InternetGateway
from moto.ec2.models.route_tables import RouteTable
from moto.ec2.models.subnets import Subnet


class ScalingPolicy(CloudFormationModel):
    """Moto skips AWS::AutoScaling::ScalingPolicy in templates."""

    __module__ = "moto.autoscaling.gaps"  # moto finds the service's name in this

    def __init__(self, policy):
        self.policy = policy

    @staticmethod
    def cloudformation_name_type():
        return "PolicyName"

    @staticmethod
    def cloudformation_type():
        return "AWS::AutoScaling::ScalingPolicy"

    @property
    def physical_resource_id(self):
        return self.policy.arn

    @classmethod
    def create_from_cloudformation_json(cls, resource_name, cloudformation_json, account_id, region_name, **_):
        properties = cloudformation_json["Properties"]
        backend = autoscaling_backends[account_id][region_name]
        return cls(
            backend.put_scaling_policy(
                name=resource_name,
                policy_type=properties["PolicyType"],
                metric_aggregation_type=None,
                adjustment_type=properties["AdjustmentType"],
                as_name=properties["AutoScalingGroupName"],
                min_adjustment_magnitude=None,
                scaling_adjustment=None,
                cooldown=None,
                target_tracking_config={},
                step_adjustments=properties["StepAdjustments"],
                estimated_instance_warmup=None,
                predictive_scaling_configuration={},
            )
        )

    @classmethod
    def update_from_cloudformation_json(cls, original_resource, new_resource_name, cloudformation_json, account_id, region_name):
        return cls.create_from_cloudformation_json(
            original_resource.policy.name, cloudformation_json, account_id, region_name
        )

    def delete(self, account_id, region_name):
        autoscaling_backends[account_id][region_name].policies.pop(self.policy.name, None)


class Alarm(CloudFormationModel):
    """Moto skips AWS::CloudWatch::Alarm in templates."""

    __module__ = "moto.cloudwatch.gaps"

    def __init__(self, name):
        self.name = name

    @staticmethod
    def cloudformation_name_type():
        return "AlarmName"

    @staticmethod
    def cloudformation_type():
        return "AWS::CloudWatch::Alarm"

    @property
    def physical_resource_id(self):
        return self.name

    @classmethod
    def create_from_cloudformation_json(cls, resource_name, cloudformation_json, account_id, region_name, **_):
        properties = cloudformation_json["Properties"]
        cloudwatch_backends[account_id][region_name].put_metric_alarm(
            name=resource_name,
            namespace=properties.get("Namespace"),
            metric_name=properties.get("MetricName"),
            comparison_operator=properties["ComparisonOperator"],
            evaluation_periods=int(properties["EvaluationPeriods"]),
            datapoints_to_alarm=properties.get("DatapointsToAlarm"),
            period=properties.get("Period"),
            threshold=float(properties["Threshold"]),
            statistic=properties.get("Statistic"),
            description=properties.get("AlarmDescription"),
            alarm_actions=properties.get("AlarmActions", []),
            treat_missing_data=properties.get("TreatMissingData"),
            dimensions=properties.get("Dimensions") or [],
            metric_data_queries=[query(item) for item in properties.get("Metrics", [])] or None,
        )
        return cls(resource_name)

    @classmethod
    def update_from_cloudformation_json(cls, original_resource, new_resource_name, cloudformation_json, account_id, region_name):
        return cls.create_from_cloudformation_json(original_resource.name, cloudformation_json, account_id, region_name)

    def delete(self, account_id, region_name):
        cloudwatch_backends[account_id][region_name].delete_alarms([self.name])


def query(item):
    stat = item.get("MetricStat")
    metric = stat and cloudwatch_models.MetricStat(
        cloudwatch_models.Metric(stat["Metric"]["MetricName"], stat["Metric"]["Namespace"], stat["Metric"]["Dimensions"]),
        stat["Period"],
        stat["Stat"],
        None,
    )
    returns = str(item.get("ReturnData", True)).lower() == "true"
    return cloudwatch_models.MetricDataQuery(item["Id"], item.get("Label"), None, returns, item.get("Expression"), metric)


put_scaling_policy = autoscaling_responses.AutoScalingResponse.put_scaling_policy


def answer_policy_arn(self):
    """The API calls it PolicyARN; SDKs see nothing else."""
    response = put_scaling_policy(self)
    if isinstance(getattr(response, "_result", None), dict):
        response._result = {"PolicyARN": response._result["PolicyArn"]}
    return response


def delete_route_table(self, account_id, region_name):
    """A deletion that does nothing in moto, so that the VPC cannot go."""
    self._associations.clear()
    ec2_backends[account_id][region_name].delete_route_table(self.id)


def delete_internet_gateway(self, account_id, region_name):
    """The same."""
    backend = ec2_backends[account_id][region_name]
    if self.vpc:
        backend.detach_internet_gateway(self.id, self.vpc.id)
    backend.delete_internet_gateway(self.id)


def delete_volume(self, account_id, region_name):
    """The same."""
    ec2_backends[account_id][region_name].delete_volume(self.id)


create_volume = Volume.create_from_cloudformation_json.__func__


def create_tagged_volume(cls, resource_name, cloudformation_json, account_id, region_name, **options):
    """Moto drops Tags."""
    volume = create_volume(cls, resource_name, cloudformation_json, account_id, region_name, **options)
    volume.add_tags({tag["Key"]: tag["Value"] for tag in cloudformation_json["Properties"].get("Tags", [])})
    return volume


def update_volume(cls, original_resource, new_resource_name, cloudformation_json, account_id, region_name):
    """Moto cannot update a volume; AWS enlarges it."""
    original_resource.size = int(cloudformation_json["Properties"]["Size"])
    return original_resource


create_subnet = Subnet.create_from_cloudformation_json.__func__


def create_public_subnet(cls, resource_name, cloudformation_json, account_id, region_name, **options):
    """Moto drops MapPublicIpOnLaunch."""
    subnet = create_subnet(cls, resource_name, cloudformation_json, account_id, region_name, **options)
    wanted = str(cloudformation_json["Properties"].get("MapPublicIpOnLaunch", "false")).lower()
    subnet.map_public_ip_on_launch = wanted == "true"
    return subnet


subnet_attribute = Subnet.get_cfn_attribute


def get_subnet_attribute(self, attribute_name):
    """Moto does not know this one, nor that it has it."""
    if attribute_name == "AvailabilityZone":
        return self.availability_zone
    return subnet_attribute(self, attribute_name)


def has_subnet_attribute(_, attribute_name):
    return attribute_name in ("AvailabilityZone",)


create_group = FakeAutoScalingGroup.create_from_cloudformation_json.__func__


def create_measured_group(cls, resource_name, cloudformation_json, account_id, region_name, **options):
    """Moto drops MetricsCollection."""
    group = create_group(cls, resource_name, cloudformation_json, account_id, region_name, **options)
    collected = cloudformation_json["Properties"].get("MetricsCollection", [])
    group.enable_metrics_collection([metric for each in collected for metric in each["Metrics"]])
    return group


def update_group(cls, original_resource, new_resource_name, cloudformation_json, account_id, region_name):
    """Moto creates a new group, without the scheduled actions and policies of the old one."""
    properties = cloudformation_json["Properties"]
    original_resource.update(
        availability_zones=None,
        desired_capacity=int(properties["DesiredCapacity"]),
        max_size=int(properties["MaxSize"]),
        min_size=int(properties["MinSize"]),
        launch_config_name=None,
        launch_template=properties["LaunchTemplate"],
        vpc_zone_identifier=None,
        health_check_period=None,
        health_check_type=None,
    )
    return original_resource


update_stack = cloudformation_models.CloudFormationBackend.update_stack


def update_from_all_parameters(self, name, template, role_arn, parameters, tags):
    """Moto knows only the parameters that were given when the stack was created, not the defaults of the others."""
    stack = self.get_stack(name)
    for key, declared in stack.template_dict["Parameters"].items():
        if "Default" in declared:
            stack.parameters.setdefault(key, str(declared["Default"]))
    return update_stack(self, name, template, role_arn, parameters, tags)


create_stack_resources = cloudformation_models.Stack.create_resources


def create_or_roll_back(self):
    """AWS answers CreateStack at once and takes back what it made when something fails."""
    try:
        create_stack_resources(self)
    except Exception as error:
        traceback.print_exc()
        self._add_stack_event("ROLLBACK_IN_PROGRESS", resource_status_reason=f"Resource creation failed: {error}")
        try:
            self.resource_map.delete()
        except Exception as second:
            print(f"rollback: {second}", file=sys.stderr)
        resources = self.resource_map._parsed_resources
        self.resource_map._parsed_resources = {
            key: value for key, value in resources.items() if isinstance(value, (str, type(None)))
        }
        self._add_stack_event("ROLLBACK_COMPLETE")
        self.status = "ROLLBACK_COMPLETE"
        self.status_reason = str(error)
        forget_outputs(self)


delete_stack = cloudformation_models.Stack.delete


def delete_and_forget(self):
    """Moto makes the resources of a deleted stack anew to describe its outputs."""
    delete_stack(self)
    forget_outputs(self)


def forget_outputs(stack):
    stack.output_map._output_json_map = {}
    stack.resource_map._resource_json_map = {}


validate_template = cloudformation_responses.CloudFormationResponse.validate_template


def validate_with_parameters(self):
    """Moto's answer has no parameters."""
    response = validate_template(self)
    template = yaml.load(self._get_param("TemplateBody"), Loader=yaml.Loader)
    response._result["Parameters"] = [{"ParameterKey": name} for name in template.get("Parameters", {})]
    return response


cloudformation_responses.CloudFormationResponse.validate_template = validate_with_parameters
autoscaling_responses.AutoScalingResponse.put_scaling_policy = answer_policy_arn
RouteTable.delete = delete_route_table
InternetGateway.delete = delete_internet_gateway
Volume.delete = delete_volume
cloudformation_models.CloudFormationBackend.update_stack = update_from_all_parameters
Volume.create_from_cloudformation_json = classmethod(create_tagged_volume)
Volume.update_from_cloudformation_json = classmethod(update_volume)
FakeAutoScalingGroup.create_from_cloudformation_json = classmethod(create_measured_group)
FakeAutoScalingGroup.update_from_cloudformation_json = classmethod(update_group)
Subnet.get_cfn_attribute = get_subnet_attribute
Subnet.has_cfn_attr = classmethod(has_subnet_attribute)
Subnet.create_from_cloudformation_json = classmethod(create_public_subnet)
cloudformation_models.Stack.create_resources = create_or_roll_back
cloudformation_models.Stack.delete = delete_and_forget
for cached in (parsing.get_model_list, parsing.get_model_map, parsing.get_name_type_map):
    cached.cache_clear()

if __name__ == "__main__":
    from moto.server import main

    main(["-H", "127.0.0.1", "-p", sys.argv[1]])
