package hint

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestNearestAreWhatASlipOfTheKeyboardExplains(t *testing.T) {
	for name, tc := range map[string]struct {
		given string
		among []string
		want  []string
	}{
		"two letters that changed places":     {"crat", []string{"default", "cart"}, []string{"cart"}},
		"the nearest first, then by name":     {"cart", []string{"carts", "care", "card", "cartoon"}, []string{"card", "care", "carts"}},
		"the beginning of a name":             {"car", []string{"cart-service"}, []string{"cart-service"}},
		"nothing that is another name":        {"cart", []string{"orders", "default"}, nil},
		"case is no difference":               {"CART", []string{"cart"}, []string{"cart"}},
		"a third of a long name may be wrong": {"shopping-basket", []string{"shoping-baskets"}, []string{"shoping-baskets"}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, Nearest(tc.given, tc.among)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
