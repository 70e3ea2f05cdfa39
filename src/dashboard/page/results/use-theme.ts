import { useSignal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import { DARK, LIGHT, type Theme } from "./colours.ts";

/** Returns the colours for what the user prefers. */
export function useTheme(): Theme {
  const dark = useMemo(() => matchMedia("(prefers-color-scheme: dark)"), []);
  const isDark = useSignal(dark.matches);
  useEffect(() => {
    const update = (): void => void (isDark.value = dark.matches);
    dark.addEventListener("change", update);
    return () => dark.removeEventListener("change", update);
  }, [dark]);
  return isDark.value ? DARK : LIGHT;
}
