# The tutorial by hand, without the plugin: what login does in one command.
set -eu
token=$(kubectl create token "$IRSA_SERVICE_ACCOUNT" --audience "$IRSA_AUDIENCE")
credentials=$(aws sts assume-role-with-web-identity --region us-east-1 --role-arn "$IRSA_ROLE_ARN" \
	--role-session-name by-hand --web-identity-token "$token" --query Credentials.[AccessKeyId,SecretAccessKey,SessionToken] --output text)
set -- $credentials
export AWS_ACCESS_KEY_ID=$1 AWS_SECRET_ACCESS_KEY=$2 AWS_SESSION_TOKEN=$3
aws s3 ls "s3://$IRSA_DATA_BUCKET"
