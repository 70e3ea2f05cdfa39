import { useSignal, type ReadonlySignal } from "@preact/signals";
import type { RefObject } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";

/** A figure is not narrower; its place scrolls then. */
const LEAST_WIDTH = 320;

/** Returns the reference for the place of a figure, and its width in pixels: 0 until it is known. */
export function useWidth(): { place: RefObject<HTMLDivElement | null>; width: ReadonlySignal<number> } {
  const place = useRef<HTMLDivElement>(null);
  const width = useSignal(0);
  useLayoutEffect(() => {
    const measure = (): void => {
      if (place.current !== null) width.value = Math.max(LEAST_WIDTH, place.current.clientWidth);
    };
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(place.current!);
    return () => observer.disconnect();
  }, []);
  return { place, width };
}
