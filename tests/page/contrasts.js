// Of each text that is seen the contrast with what lies behind it, as WCAG 2 defines it.
const read = color => color.match(/[\d.]+/g).map(Number);
const linear = part => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
const light = color => {
  const [red, green, blue] = read(color).map(part => linear(part / 255));
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
};
const behind = element => {
  const color = getComputedStyle(element).backgroundColor;
  return (read(color)[3] ?? 1) === 1 ? color : behind(element.parentElement);
};
const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
const contrasts = [];
while (texts.nextNode()) {
  const element = texts.currentNode.parentElement;
  const text = texts.currentNode.textContent.trim();
  if (!text || !element.checkVisibility() || element.matches("script, noscript")) continue;
  const lights = [getComputedStyle(element).color, behind(element)].map(light);
  contrasts.push([text, (Math.max(...lights) + 0.05) / (Math.min(...lights) + 0.05)]);
}
return contrasts;
