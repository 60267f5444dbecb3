# Makes system:serviceaccount:shop:cart become the role shop-cart.
# Written by kubectl irsa generate terraform.
terraform {
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.81.0"
    }
  }
}

provider "aws" {
  region = "eu-west-1"
}

resource "aws_s3_bucket" "issuer" {
  bucket = "shop-issuer"
  tags = {
    "kubectl-irsa/issuer" = "https://shop-issuer.s3.eu-west-1.amazonaws.com"
    "kubectl-irsa/owned"  = "true"
  }
}

resource "aws_s3_bucket_ownership_controls" "issuer" {
  bucket = aws_s3_bucket.issuer.id
  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_public_access_block" "issuer" {
  bucket                  = aws_s3_bucket.issuer.id
  block_public_acls       = true
  ignore_public_acls      = true
  block_public_policy     = false
  restrict_public_buckets = false
}

resource "aws_s3_bucket_policy" "issuer" {
  bucket = aws_s3_bucket.issuer.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "KubectlIrsaPublicDocuments"
        Effect    = "Allow"
        Principal = "*"
        Action    = "s3:GetObject"
        Resource = [
          "arn:aws:s3:::shop-issuer/.well-known/openid-configuration",
          "arn:aws:s3:::shop-issuer/openid/v1/jwks",
        ]
      },
    ]
  })
  depends_on = [aws_s3_bucket_public_access_block.issuer]
}

resource "aws_s3_object" "keys" {
  bucket        = aws_s3_bucket.issuer.id
  key           = "openid/v1/jwks"
  content       = "{\"keys\":[]}"
  content_type  = "application/json"
  cache_control = "public, max-age=60"
}

resource "aws_s3_object" "discovery" {
  bucket        = aws_s3_bucket.issuer.id
  key           = ".well-known/openid-configuration"
  content       = "{\"a\":\"it's $${HOME} %%{b}\"}"
  content_type  = "application/json"
  cache_control = "public, max-age=60"
  depends_on    = [aws_s3_object.keys]
}

resource "aws_iam_openid_connect_provider" "issuer" {
  url            = "https://shop-issuer.s3.eu-west-1.amazonaws.com"
  client_id_list = ["vault"]
  tags = {
    "kubectl-irsa/issuer" = "https://shop-issuer.s3.eu-west-1.amazonaws.com"
    "kubectl-irsa/owned"  = "true"
    team                  = "o'brien $(id) \"x\""
  }
}

resource "aws_iam_role" "role" {
  name = "shop-cart"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect = "Allow"
        Principal = {
          Federated = aws_iam_openid_connect_provider.issuer.arn
        }
        Action = "sts:AssumeRoleWithWebIdentity"
        Condition = {
          StringEquals = {
            "shop-issuer.s3.eu-west-1.amazonaws.com:aud" = "vault"
            "shop-issuer.s3.eu-west-1.amazonaws.com:sub" = "system:serviceaccount:shop:cart"
          }
        }
      },
    ]
  })
  path                 = "/team/"
  permissions_boundary = "arn:aws:iam::111122223333:policy/bound"
  max_session_duration = 7200
  tags = {
    "kubectl-irsa/issuer" = "https://shop-issuer.s3.eu-west-1.amazonaws.com"
    "kubectl-irsa/owned"  = "true"
    team                  = "o'brien $(id) \"x\""
  }
}

resource "aws_iam_role_policy_attachment" "policy_1" {
  role       = aws_iam_role.role.name
  policy_arn = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"
}

resource "aws_iam_role_policy" "inline" {
  name = "kubectl-irsa"
  role = aws_iam_role.role.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect   = "Allow"
        Action   = "s3:*"
        Resource = "arn:aws:s3:::$${aws:PrincipalTag/team}/*"
      },
    ]
  })
}

output "role_arn" {
  value = aws_iam_role.role.arn
}

output "annotate" {
  value = "kubectl --context 'kind-a b' -n shop annotate serviceaccount cart eks.amazonaws.com/audience=vault eks.amazonaws.com/role-arn=${aws_iam_role.role.arn} --overwrite"
}
