"""Draws the sample pictures and their labels: `python samples/draw.py [FOLDER]`, by default into its own folder.

The pictures are the project's own, so that the demonstration and the tests need no data from elsewhere.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from ornaments import barcode, bricks, gradient, ridge, rule, wood, wrap
from page import GREY, INK, Colour, Page

HERE = Path(__file__).parent


def receipt() -> Page:
    """A tea house's till receipt on a wooden table."""
    desk = Page((900, 1260), wood((900, 1260)))
    paper = Page((600, 1120))
    torn = [(x, 1108 + 10 * (x // 12 % 2)) for x in range(0, 601, 12)]
    paper.draw.polygon([(0, 0), (600, 0), *reversed(torn)], fill=(251, 249, 243))
    paper.text((300, 84), "山海茶事", 54, INK, anchor="ms", bold=True)
    paper.text((300, 128), "MOUNTAIN & SEA TEA HOUSE", 23, INK, anchor="ms")
    paper.text((300, 170), "杭州市西湖区龙井路18号", 22, GREY, anchor="ms")
    rows: list[tuple[str, ...]] = [
        ("单号 No. 20250318-0042",),
        ("日期 Date: 2025-03-18  14:26",),
        ("收银员 Cashier: 林小满",),
    ]
    for index, (words,) in enumerate(rows):
        paper.text((44, 232 + 36 * index), words, 23, INK)
    rule(paper, 326)
    for x, words, anchor in ((44, "品名 Item", "ls"), (370, "数量 Qty", "ms"), (556, "金额 CNY", "rs")):
        paper.text((x, 364), words, 22, GREY, anchor=anchor)
    rule(paper, 384)
    items = [
        ("明前龙井", "Longjing Green Tea", "2", "136.00"),
        ("茉莉花茶", "Jasmine Tea", "1", "48.00"),
        ("桂花糕", "Osmanthus Cake", "3", "54.00"),
        ("冷泡乌龙", "Cold Brew Oolong", "1", "32.50"),
    ]
    for index, (chinese, english, quantity, amount) in enumerate(items):
        y = 428 + 78 * index
        paper.text((44, y), chinese, 26, INK)
        paper.text((44, y + 30), english, 20, GREY)
        paper.text((370, y), quantity, 26, INK, anchor="ms")
        paper.text((556, y), amount, 26, INK, anchor="rs")
    rule(paper, 728)
    totals = [("小计 Subtotal", "270.50", 24), ("会员优惠 Discount", "-20.00", 24), ("合计 TOTAL", "¥250.50", 36)]
    for (words, amount, size_px), y in zip(totals, (768, 806, 862), strict=True):
        paper.text((44, y), words, size_px, INK, bold=size_px > 30)
        paper.text((556, y), amount, size_px, INK, anchor="rs", bold=size_px > 30)
    rule(paper, 890)
    paper.text((44, 930), "支付方式 Paid by: 银行卡 CARD **** 7316", 22, INK)
    barcode(paper, (90, 954, 510, 1014))
    paper.text((300, 1042), "6 902025 318042", 21, INK, anchor="ms")
    paper.text((300, 1086), "谢谢惠顾，欢迎再来！  Thank you!", 23, INK, anchor="ms")
    desk.place(paper, (450, 628), degrees=-1.6, shadow_px=14)
    return desk


def poster() -> Page:
    """An exhibition poster: large and small, light and dark letters on a coloured ground."""
    size = width, height = 1300, 1820
    dusk: list[tuple[float, Colour]] = [
        (0.0, (24, 34, 78)),
        (0.34, (122, 74, 128)),
        (0.56, (238, 130, 96)),
        (0.72, (252, 206, 140)),
        (1.0, (252, 220, 160)),
    ]
    page = Page(size, gradient(size, dusk))
    glow = Image.new("RGBA", size, (255, 236, 190, 0))
    ImageDraw.Draw(glow).ellipse((470, 690, 830, 1050), fill=(255, 236, 190, 235))
    page.picture.alpha_composite(glow.filter(ImageFilter.GaussianBlur(4)))
    rng = np.random.default_rng(8)
    for base, amplitude, colour in (
        (1010, 150, (146, 86, 118)),
        (1120, 120, (98, 62, 104)),
        (1250, 100, (58, 44, 84)),
        (1390, 60, (28, 28, 58)),
    ):
        page.draw.polygon([*ridge(rng, width, base, amplitude), (width, height), (0, height)], fill=colour)
    white, gold = (255, 250, 240), (255, 224, 164)
    page.text((650, 250), "山水之间", 216, white, anchor="ms", face="serif", bold=True)
    page.text((650, 350), "BETWEEN MOUNTAINS AND WATER", 58, gold, anchor="ms", face="serif")
    page.draw.line((500, 400, 800, 400), fill=gold, width=3)
    page.text((650, 470), "当代水墨与摄影联展", 52, white, anchor="ms")
    page.text((650, 530), "Contemporary Ink Painting and Photography", 36, white, anchor="ms")
    page.text((110, 1500), "2025.04.12 — 06.29", 76, white, bold=True)
    page.text((110, 1572), "周二至周日 10:00-18:00，周一闭馆", 38, gold)
    page.text((110, 1660), "云溪美术馆 三层展厅", 44, white)
    page.text((110, 1714), "Cloudbrook Art Museum, Gallery 3F", 32, gold)
    page.text((110, 1764), "票价 ¥60 · Students free with ID · www.cloudbrook.example", 26, white)
    ticket = Page((230, 230))
    ticket.draw.ellipse((2, 2, 228, 228), fill=(196, 44, 44))
    ticket.draw.ellipse((12, 12, 218, 218), outline=white, width=3)
    ticket.text((115, 106), "早鸟票", 50, white, anchor="ms", bold=True)
    ticket.text((115, 162), "30% OFF", 38, white, anchor="ms", bold=True)
    page.place(ticket, (1100, 1540), degrees=-12, shadow_px=8)
    return page


def rotated() -> Page:
    """Notes pinned to a board at several angles, a book's spine read from top to bottom among them."""
    size = 1200, 900
    board = Page(size, (198, 162, 118))
    board.draw.rectangle((0, 0, 1199, 899), outline=(112, 78, 48), width=22)

    def note(width: int, height: int, colour: Colour, *lines: tuple[str, int]) -> Page:
        sheet = Page((width, height), colour)
        y = 22.0
        for words, size_px in lines:
            y += size_px * 1.3
            sheet.text((26, y), words, size_px, INK)
            y += size_px * 0.4
        sheet.draw.ellipse((width // 2 - 9, 6, width // 2 + 9, 24), fill=(200, 48, 48))
        return sheet

    minutes = note(
        500,
        280,
        (255, 253, 246),
        ("周会纪要 Weekly meeting", 32),
        ("1. 服务器迁移定于周五晚上10点", 26),
        ("2. New model goes live on May 6", 26),
        ("3. 回归测试通过率 99.2%", 26),
        ("4. Next review: Room 407", 26),
    )
    board.place(minutes, (340, 270), degrees=10, shadow_px=8)
    fridge = note(330, 158, (255, 232, 130), ("记得买牛奶和鸡蛋", 32), ("Milk, eggs, bread", 34))
    board.place(fridge, (828, 200), degrees=-22, shadow_px=8)
    ticket = note(420, 100, (180, 224, 214), ("G7512 杭州东 - 上海虹桥", 30))
    board.place(ticket, (320, 690), degrees=-6, shadow_px=8)
    party = note(360, 166, (248, 196, 196), ("生日快乐！", 44), ("Happy Birthday, Mei!", 30))
    board.place(party, (800, 492), degrees=18, shadow_px=8)
    steep = note(330, 100, (206, 220, 250), ("Call Dr. Chen 555-0147", 26))
    board.place(steep, (690, 716), degrees=-40, shadow_px=8)
    spine = Page((640, 92), (38, 70, 92))
    spine.draw.line((0, 10, 640, 10), fill=(220, 186, 110), width=3)
    spine.draw.line((0, 81, 640, 81), fill=(220, 186, 110), width=3)
    spine.text((320, 60), "深度学习 DEEP LEARNING", 40, (244, 232, 206), anchor="ms")
    board.place(spine, (1084, 480), degrees=90, shadow_px=8)
    return board


def small_lines() -> Page:
    """A printed page in two columns of 12-pixel letters."""
    sheet = Page((900, 1000), (252, 251, 248))
    sheet.text((450, 66), "南山茶园通讯", 34, INK, anchor="ms", face="serif", bold=True)
    sheet.text((450, 94), "South Hill Tea Garden News", 16, GREY, anchor="ms", face="serif")
    sheet.text((40, 122), "第27期", 12, GREY)
    sheet.text((860, 122), "Spring 2025, No. 27", 12, GREY, anchor="rs")
    sheet.draw.line((40, 132, 860, 132), fill=GREY, width=1)
    sheet.draw.line((450, 146, 450, 950), fill=(206, 202, 196), width=1)
    chinese, english = (HERE / "small_lines.txt").read_text(encoding="utf-8").split("# en\n")
    for x, text in ((40, chinese.removeprefix("# zh\n")), (474, english)):
        y = 160
        for paragraph in text.splitlines():
            for line in wrap(paragraph, size_px=12, width_px=386):
                sheet.text((x, y), line, 12, INK)
                y += 19
            y += 9
    sheet.draw.rectangle((40, 724, 426, 944), outline=GREY)
    sheet.text((233, 748), "春茶价目 Price list", 14, INK, anchor="ms")
    prices = [
        ("明前龙井", "Longjing, first flush", "680.00"),
        ("雨前龙井", "Longjing, second flush", "320.00"),
        ("白毫银针", "Silver Needle", "560.00"),
        ("碧螺春", "Biluochun", "450.00"),
        ("铁观音", "Tieguanyin", "268.00"),
        ("正山小种", "Lapsang Souchong", "240.00"),
        ("茉莉花茶", "Jasmine pearls", "158.00"),
        ("陈年普洱", "Aged Pu'er, 2012", "1,280.00"),
        ("桂花乌龙", "Osmanthus Oolong", "186.00"),
    ]
    for row, (name, english_name, price) in enumerate(prices):
        y = 772 + 19 * row
        sheet.text((56, y), name, 12, INK)
        sheet.text((160, y), english_name, 12, INK)
        sheet.text((410, y), price, 12, INK, anchor="rs")
    sheet.text((474, 880), "订购 Orders: 0571-5550-0196", 12, INK)
    sheet.text((474, 899), "邮箱 Mail: tea@southhill.example", 12, INK)
    sheet.text((474, 918), "地址 Address: 南山镇茶园路3号 3 Tea Garden Road", 12, INK)
    sheet.text((474, 937), "本期共印5,000份，免费取阅。Please take one.", 12, INK)
    sheet.text((450, 980), "- 1 -", 12, GREY, anchor="ms")
    return sheet


def exif() -> Page:
    """A bookshop's sign on a brick wall, as a telephone held upright takes it."""
    size = 780, 1040
    wall = Page(size, bricks(size))
    sign = Page((640, 300), (24, 62, 52))
    sign.draw.rectangle((12, 12, 627, 287), outline=(222, 188, 112), width=4)
    gold = (238, 208, 136)
    sign.text((320, 142), "老街书店", 112, gold, anchor="ms", face="serif", bold=True)
    sign.text((320, 204), "OLD STREET BOOKS", 44, gold, anchor="ms", face="serif")
    sign.text((320, 260), "始于一九八六年  Since 1986", 28, gold, anchor="ms")
    wall.place(sign, (390, 230), shadow_px=16)
    slate = Page((460, 520), (122, 84, 52))
    slate.draw.rectangle((16, 16, 443, 503), fill=(40, 44, 46))
    chalk = (236, 238, 232)
    for y, words, size_px in (
        (92, "今日推荐", 52),
        (150, "BOOK OF THE DAY", 30),
        (226, "《山茶与海》 ¥39.80", 34),
        (286, "二楼咖啡 Coffee upstairs", 28),
        (336, "拿铁 Latte ¥22", 28),
        (420, "营业时间 OPEN", 30),
        (470, "9:30 - 21:00", 38),
    ):
        slate.text((230, y), words, size_px, chalk, anchor="ms")
    wall.place(slate, (390, 720), degrees=2, shadow_px=16)
    return wall


def blank() -> Page:
    """An empty sheet under a lamp: no text at all."""
    size = 640, 480
    return Page(size, gradient(size, [(0, (250, 248, 242)), (1, (222, 216, 206))]))


PICTURES: dict[str, Callable[[], Page]] = {
    "receipt.png": receipt,
    "poster.jpg": poster,
    "rotated.png": rotated,
    "small_lines.png": small_lines,
    "exif.jpg": exif,
    "blank.png": blank,
}


def main() -> None:
    """Draw every picture and write Label.txt beside them."""
    parser = argparse.ArgumentParser(description="Draw the sample pictures and their labels.")
    parser.add_argument("folder", nargs="?", type=Path, default=HERE, help="where to (default: beside this script)")
    folder: Path = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for name, draw in PICTURES.items():
        page = draw()
        page.save(folder / name, stored_sideways=name == "exif.jpg")
        rows.append(page.label(name))
    (folder / "Label.txt").write_text("\n".join(rows) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
