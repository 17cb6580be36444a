"""How the studio looks: one calm theme for light and dark, in the colours of the reports, with the fonts that the machine has."""

from __future__ import annotations

from importlib.resources import files

import gradio as gr

FONTS = ["system-ui", "-apple-system", "Segoe UI", "sans-serif"]
MONO = ["ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "monospace"]

LIGHT = {
    "ink": "#1d2329",
    "soft": "#5a646d",
    "line": "#dfe3e8",
    "paper": "#ffffff",
    "tint": "#f5f7f9",
    "accent": "#2b6ea8",
    "warm": "#b4531b",
    "on-accent": "#ffffff",
}
DARK = {
    "ink": "#e4e8ec",
    "soft": "#98a2ac",
    "line": "#333b44",
    "paper": "#15191e",
    "tint": "#1c2229",
    "accent": "#6db3ea",
    "warm": "#f0a06a",
    "on-accent": "#10161c",
}


def theme() -> gr.themes.Base:
    """Gradio's own components in these colours."""
    made = gr.themes.Base(
        font=FONTS, font_mono=MONO, radius_size=gr.themes.sizes.radius_sm, spacing_size=gr.themes.sizes.spacing_md
    )
    both = {
        "body_background_fill": "paper",
        "body_text_color": "ink",
        "body_text_color_subdued": "soft",
        "background_fill_primary": "paper",
        "background_fill_secondary": "tint",
        "block_background_fill": "paper",
        "block_border_color": "line",
        "block_label_background_fill": "paper",
        "block_label_text_color": "soft",
        "block_title_text_color": "soft",
        "block_info_text_color": "soft",
        "border_color_primary": "line",
        "border_color_accent": "accent",
        "color_accent_soft": "tint",
        "panel_background_fill": "paper",
        "input_background_fill": "paper",
        "input_background_fill_focus": "paper",
        "input_border_color": "line",
        "input_border_color_focus": "accent",
        "input_placeholder_color": "soft",
        "button_primary_background_fill": "accent",
        "button_primary_background_fill_hover": "accent",
        "button_primary_text_color": "on-accent",
        "button_primary_border_color": "accent",
        "button_secondary_background_fill": "tint",
        "button_secondary_background_fill_hover": "line",
        "button_secondary_text_color": "ink",
        "button_secondary_border_color": "line",
        "checkbox_background_color": "paper",
        "checkbox_background_color_selected": "accent",
        "checkbox_border_color": "soft",
        "checkbox_label_background_fill": "paper",
        "checkbox_label_background_fill_selected": "tint",
        "checkbox_label_text_color": "ink",
        "slider_color": "accent",
        "table_even_background_fill": "paper",
        "table_odd_background_fill": "tint",
        "table_border_color": "line",
        "loader_color": "accent",
    }
    colours = {name: LIGHT[colour] for name, colour in both.items()}
    colours |= {f"{name}_dark": DARK[colour] for name, colour in both.items()}
    return made.set(
        **colours,
        color_accent="var(--o-accent)",
        block_shadow="none",
        block_label_shadow="none",
        input_shadow="none",
        input_shadow_focus="none",
        button_primary_shadow="none",
        button_secondary_shadow="none",
        block_border_width="0px",
        input_border_width="1px",
        block_padding="0px",
        block_label_border_width="0px",
        block_title_text_size="*text_sm",
        panel_border_width="0px",
        button_large_text_size="*text_md",
        button_large_text_weight="500",
        button_large_padding="8px 14px",
        form_gap_width="10px",
        layout_gap="14px",
    )


def _variables(colours: dict[str, str]) -> str:
    return " ".join(f"--o-{name}: {value};" for name, value in colours.items())


CSS = (
    f":root {{ {_variables(LIGHT)} color-scheme: light; }} .dark {{ {_variables(DARK)} color-scheme: dark; }}\n"
    + files("onward.studio").joinpath("style.css").read_text(encoding="utf-8")
)
ICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><path d="M3 13 8 3l5 10" fill="none" stroke="#2b6ea8" '
    'stroke-width="2.4" stroke-linecap="round" stroke-linejoin="round"/></svg>'
)
TOGGLE = """const chosen = localStorage.getItem("onward-theme");
if (chosen) document.body.classList.toggle("dark", chosen === "dark");
element.addEventListener("click", (event) => {
  if (!event.target.closest("button")) return;
  const dark = document.body.classList.toggle("dark");
  localStorage.setItem("onward-theme", dark ? "dark" : "light");
});"""
"""Light or dark as the person chose, else as the system has it."""
CLICKS = """element.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-do]");
  if (button && !button.disabled) trigger("click", {...button.dataset});
});
element.addEventListener("keydown", (event) => {
  const step = {ArrowLeft: -1, ArrowRight: 1}[event.key];
  const token = event.target.closest("button.o-token");
  if (!step || !token) return;
  const all = [...element.querySelectorAll("button.o-token")], next = all[all.indexOf(token) + step];
  if (next) { event.preventDefault(); next.focus(); next.click(); }
});"""
"""A button in HTML that a room writes says in data-do what it is for; its other data-... come along. Arrows walk along a chain."""
FOLLOW = """let below = true;
const end = () => document.documentElement.scrollHeight - window.innerHeight - window.scrollY;
window.addEventListener("scroll", () => { below = end() < 80; }, {passive: true});
new MutationObserver(() => { if (below && element.offsetParent) window.scrollTo(0, document.documentElement.scrollHeight); })
  .observe(element.closest(".tabitem") ?? element, {childList: true, subtree: true, characterData: true});"""
"""What grows at the end stays in sight, unless the person has scrolled up."""
