package cli

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSideBySide(t *testing.T) {
	keys := make([]int, 60)
	want := map[int]string{}
	for i := range keys {
		keys[i] = i
		want[i] = strconv.Itoa(i)
	}
	var mu sync.Mutex
	inside, most := 0, 0
	full := make(chan struct{})
	got, err := sideBySide(t.Context(), keys, func(ctx context.Context, key int) (string, error) {
		mu.Lock()
		if inside++; inside > most {
			if most = inside; most == atOnce {
				close(full)
			}
		}
		mu.Unlock()
		if key > 0 {
			select { // until as many are asked as may be
			case <-full:
			case <-ctx.Done():
			}
		}
		mu.Lock()
		inside--
		mu.Unlock()
		return strconv.Itoa(key), nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" || most != atOnce {
		t.Errorf("%d at once (-want +got):\n%s", most, diff)
	}
}

func TestSideBySideGivesUpAtTheFirstError(t *testing.T) {
	refused := errors.New("forbidden")
	for name, bad := range map[string]int{"the first": 0, "a later one": 7} {
		t.Run(name, func(t *testing.T) {
			_, err := sideBySide(t.Context(), make([]struct{}, 60), func() func(ctx context.Context, _ struct{}) (int, error) {
				var mu sync.Mutex
				asked := 0
				return func(ctx context.Context, _ struct{}) (int, error) {
					mu.Lock()
					defer mu.Unlock()
					if asked++; asked == bad+1 {
						return 0, refused
					}
					return 0, ctx.Err()
				}
			}())
			if !errors.Is(err, refused) {
				t.Errorf("got %v", err)
			}
		})
	}
}
