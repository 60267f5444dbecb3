#!/usr/bin/env bash
# Makes system:serviceaccount:shop:cart become the role shop-cart, for tokens of
# https://shop-issuer.s3.eu-west-1.amazonaws.com
# Written by kubectl irsa generate aws-cli. Running it again changes nothing more.
set -euo pipefail
export AWS_PAGER=
say() { printf '%s\n' "$*" >&2; }
account=$(aws sts get-caller-identity --query Account --output text)

# The bucket of the issuer's documents.
# Servers other than AWS may know owners by other names: BUCKET_OWNER says which.
bucket_refused() {
  say "$1"
  case ${BUCKET_OWNER:-none}$1 in none*403* | none*AccessDenied*)
    say "if this server knows owners by other names than $account, as servers other than AWS may, set BUCKET_OWNER to the bucket's" ;;
  esac
  exit 1
}
bucket=(--bucket shop-issuer --region eu-west-1 --expected-bucket-owner "${BUCKET_OWNER:-$account}")
made=
if ! found=$(aws s3api head-bucket "${bucket[@]}" 2>&1); then
  case $found in *404* | *'Not Found'*) ;; *) bucket_refused "$found" ;; esac
  aws s3api create-bucket --bucket shop-issuer --region eu-west-1 --object-ownership BucketOwnerEnforced --create-bucket-configuration LocationConstraint=eu-west-1 >/dev/null
  made=yes
elif ! tags=$(aws s3api get-bucket-tagging "${bucket[@]}" 2>&1) && [[ $tags = *NoSuchTagSet* ]] &&
  [ "$(aws s3api list-objects-v2 "${bucket[@]}" --max-keys 1 --query 'length(Contents || `[]`)')" = 0 ]; then
  made=yes # by a run that was interrupted
fi
if [ -n "$made" ]; then
  refused=$(aws s3api put-bucket-tagging "${bucket[@]}" --tagging '{"TagSet":[{"Key":"kubectl-irsa/issuer","Value":"https://shop-issuer.s3.eu-west-1.amazonaws.com"},{"Key":"kubectl-irsa/owned","Value":"true"}]}' 2>&1 >/dev/null) || bucket_refused "$refused"
fi

# Block Public Access is relaxed as far as a policy for two objects needs.
acls=true ignore=true policy=true restrict=true
if [ -z "$made" ]; then
  read -r acls ignore policy restrict < <(aws s3api get-public-access-block "${bucket[@]}" --output text \
    --query 'PublicAccessBlockConfiguration.[BlockPublicAcls,IgnorePublicAcls,BlockPublicPolicy,RestrictPublicBuckets]' 2>/dev/null) ||
    policy=false restrict=false
fi
case $policy$restrict in *[Tt]rue*)
  if ! refused=$(aws s3api put-public-access-block "${bucket[@]}" --public-access-block-configuration \
    "BlockPublicAcls=$acls,IgnorePublicAcls=$ignore,BlockPublicPolicy=false,RestrictPublicBuckets=false" 2>&1); then
    case $refused in *NotImplemented*) ;; *) bucket_refused "$refused" ;; esac
  fi ;;
esac
policy='{"Version":"2012-10-17","Statement":[{"Sid":"KubectlIrsaPublicDocuments","Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":["arn:aws:s3:::shop-issuer/.well-known/openid-configuration","arn:aws:s3:::shop-issuer/openid/v1/jwks"]}]}'
if there=$(aws s3api get-bucket-policy "${bucket[@]}" --query Policy --output text 2>&1); then
  [ "$there" = "$policy" ] || say 'the bucket has a policy already, which is left as it is; it has to hold: {"Version":"2012-10-17","Statement":[{"Sid":"KubectlIrsaPublicDocuments","Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":["arn:aws:s3:::shop-issuer/.well-known/openid-configuration","arn:aws:s3:::shop-issuer/openid/v1/jwks"]}]}'
elif [[ $there != *NoSuchBucketPolicy* ]]; then
  bucket_refused "$there"
else
  for attempt in 1 2 3 4 5 6 7 8; do
    aws s3api put-bucket-policy "${bucket[@]}" --policy "$policy" && break
    [ "$attempt" -lt 8 ] || exit 1
    sleep "$attempt"
  done
fi

# The two documents, the key set first. What is public already stays: tokens are in
# use that need keys which this script, written before a rotation, does not know.
document=$(mktemp)
printf %s '{"keys":[]}' >"$document"
if ! refused=$(aws s3api put-object "${bucket[@]}" --key openid/v1/jwks --body "$document" --if-none-match '*' \
  --content-type application/json --cache-control 'public, max-age=60' 2>&1 >/dev/null); then
  case $refused in
  *PreconditionFailed*) say 'openid/v1/jwks is there already, and left as it is; kubectl irsa publish merges keys' ;;
  *) bucket_refused "$refused" ;;
  esac
fi
rm -f "$document"
document=$(mktemp)
printf %s '{"a":"it'\''s ${HOME} %{b}"}' >"$document"
if ! refused=$(aws s3api put-object "${bucket[@]}" --key .well-known/openid-configuration --body "$document" --if-none-match '*' \
  --content-type application/json --cache-control 'public, max-age=60' 2>&1 >/dev/null); then
  case $refused in
  *PreconditionFailed*) say '.well-known/openid-configuration is there already, and left as it is; kubectl irsa publish merges keys' ;;
  *) bucket_refused "$refused" ;;
  esac
fi
rm -f "$document"

# The OIDC provider.
provider=$(aws iam list-open-id-connect-providers --output text \
  --query 'OpenIDConnectProviderList[?ends_with(Arn, '\'':oidc-provider/shop-issuer.s3.eu-west-1.amazonaws.com'\'')].Arn | [0]')
if [ "$provider" = None ]; then
  provider=$(aws iam create-open-id-connect-provider --url https://shop-issuer.s3.eu-west-1.amazonaws.com --client-id-list vault \
    --tags '[{"Key":"kubectl-irsa/issuer","Value":"https://shop-issuer.s3.eu-west-1.amazonaws.com"},{"Key":"kubectl-irsa/owned","Value":"true"},{"Key":"team","Value":"o'\''brien $(id) \"x\""}]' --query OpenIDConnectProviderArn --output text)
elif ! aws iam get-open-id-connect-provider --open-id-connect-provider-arn "$provider" --query ClientIDList --output text |
  tr '\t' '\n' | grep -Fx -- vault >/dev/null; then
  aws iam add-client-id-to-open-id-connect-provider --open-id-connect-provider-arn "$provider" --client-id vault
fi

# The role, and whom it trusts.
trust='{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Effect": "Allow",
      "Principal": {"Federated": "PROVIDER_ARN"},
      "Action": "sts:AssumeRoleWithWebIdentity",
      "Condition": {
        "StringEquals": {
          "shop-issuer.s3.eu-west-1.amazonaws.com:aud": "vault",
          "shop-issuer.s3.eu-west-1.amazonaws.com:sub": "system:serviceaccount:shop:cart"
        }
      }
    }
  ]
}'
trust=${trust//PROVIDER_ARN/$provider}
if role=$(aws iam get-role --role-name shop-cart --query Role.Arn --output text 2>&1); then
  say "the role $role is there already, and its trust policy is left as it is; it has to hold: $trust"
elif [[ $role != *NoSuchEntity* ]]; then
  say "$role"; exit 1
else
  role=$(aws iam create-role --role-name shop-cart --assume-role-policy-document "$trust" --tags '[{"Key":"kubectl-irsa/issuer","Value":"https://shop-issuer.s3.eu-west-1.amazonaws.com"},{"Key":"kubectl-irsa/owned","Value":"true"},{"Key":"team","Value":"o'\''brien $(id) \"x\""}]' --path /team/ --permissions-boundary arn:aws:iam::111122223333:policy/bound --max-session-duration 7200 --query Role.Arn --output text)
fi
aws iam attach-role-policy --role-name shop-cart --policy-arn arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess
aws iam put-role-policy --role-name shop-cart --policy-name kubectl-irsa --policy-document '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::${aws:PrincipalTag/team}/*"}]}'

# The ServiceAccount.
kubectl --context 'kind-a b' -n shop get serviceaccount cart >/dev/null 2>&1 || kubectl --context 'kind-a b' -n shop create serviceaccount cart
kubectl --context 'kind-a b' -n shop annotate serviceaccount cart eks.amazonaws.com/role-arn="$role" eks.amazonaws.com/audience=vault --overwrite --field-manager=kubectl-irsa
