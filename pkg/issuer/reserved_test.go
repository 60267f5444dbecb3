package issuer

import "testing"

func TestNamesOfAnAccountsOwnNamespace(t *testing.T) {
	for at, want := range map[Location]bool{
		{Bucket: "shop-111122223333-eu-west-1-an", Region: "eu-west-1"}: true,
		{Bucket: "shop-111122223333-eu-west-1-an", Region: "us-east-1"}: false,
		{Bucket: "shop-111122223333-eu-west-1-an"}:                      false,
		{Bucket: "-111122223333-eu-west-1-an", Region: "eu-west-1"}:     false,
		{Bucket: "shop-11112222333x-eu-west-1-an", Region: "eu-west-1"}: false,
		{Bucket: "shop9111122223333-eu-west-1-an", Region: "eu-west-1"}: false,
		{Bucket: "shop-oidc", Region: "eu-west-1"}:                      false,
	} {
		if got := at.Reserved(); got != want {
			t.Errorf("%+v: %t", at, got)
		}
	}
}
