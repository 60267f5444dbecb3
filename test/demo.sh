#!/bin/sh
# The main job, step by step with its time. The world around this script holds
# a kube-apiserver whose issuer is public, and an IAM, STS and S3 that trust it.
set -eu

bold= dim= plain=
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then bold=$(printf '\033[1m') dim=$(printf '\033[2m') plain=$(printf '\033[0m'); fi

milliseconds() { date +%s%3N 2>/dev/null | grep -v N || echo "$(date +%s)000"; }

step() { # step WORDS -- COMMAND...
  printf '\n%s# %s%s\n' "$bold" "$1" "$plain"; shift 2
  printf '$ %s\n' "$*"
  started=$(milliseconds)
  "$@"
  printf '%s(%d ms)%s\n' "$dim" "$(($(milliseconds) - started))" "$plain"
}

step "A cluster that is not EKS, and a ServiceAccount with a role" -- \
  kubectl get serviceaccount "$IRSA_SERVICE_ACCOUNT" -o yaml
step "Log in: a token from the cluster, a session from STS, a profile" -- \
  kubectl irsa login "$IRSA_SERVICE_ACCOUNT" --region us-east-1 --profile demo
step "The profile holds no secret" -- \
  cat "$HOME/.aws/config"
if command -v aws >/dev/null; then
  step "The AWS CLI uses it" -- aws s3 ls --profile demo
  step "... and is who it should be" -- aws sts get-caller-identity --profile demo --region us-east-1
else
  echo "The AWS CLI is not on PATH: a Go program lists the buckets in its place."
  step "A Go program uses it" -- go run ./test/e2e/sdkprogram --profile demo
fi
step "Log out" -- kubectl irsa logout --profile demo
